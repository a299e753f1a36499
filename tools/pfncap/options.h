/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PFNCAP_OPTIONS_H
#define PFNCAP_OPTIONS_H

#include "util.h"

#define DEFAULT_BUFFERS	4

enum action {
	ACTION_CAPTURE,
	ACTION_LIST,
	ACTION_HELP,
	ACTION_VERSION,
};

/* How the CPU's mapping of the target is cached */
enum mapping {
	MAPPING_AUTO,
	MAPPING_CACHED,
	MAPPING_WC,
	MAPPING_UNCACHED,
};

/**
 * struct options - the command line
 * @target: NULL for none
 * @device: NULL for the first node that will do
 * @format: 0 for the current one, as with @width, @fps
 * @frames: 0 for without end
 * @buffers: 0 for DEFAULT_BUFFERS, or as many as fit
 * @copy: capture by MMAP and copy
 * @save: name of the PNG file, or NULL
 * @timeout: seconds to wait for a frame
 */
struct options {
	enum action action;
	const char *target;
	const char *device;
	unsigned int width;
	unsigned int height;
	uint32_t format;
	unsigned int fps;
	uint64_t frames;
	unsigned int buffers;
	uint64_t offset;
	enum mapping mapping;
	bool copy;
	bool overlap;
	bool verify;
	const char *save;
	unsigned int timeout;
	bool json;
	bool quiet;
};

/* @o->json is right even if this fails. */
int options_parse(struct options *o, int argc, char *argv[], struct failure *f);
void options_help(void);

#endif /* PFNCAP_OPTIONS_H */

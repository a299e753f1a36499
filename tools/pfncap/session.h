/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One run of pfncap: who captures into what, and what came of it
 */
#ifndef PFNCAP_SESSION_H
#define PFNCAP_SESSION_H

#include "node.h"
#include "options.h"
#include "target.h"
#include "verify.h"

#define MAX_NOTES	8

/**
 * struct stats - what was counted
 * @frames: that arrived without an error
 * @errors: that came back with V4L2_BUF_FLAG_ERROR
 * @lost: that the sequence numbers leave out
 * @copied: bytes copied by this program
 * @seconds: from the first to the last frame
 * @cpu: processor time of this program while it captured, without verification
 * @checking: processor time of verification
 */
struct stats {
	uint64_t frames;
	uint64_t errors;
	uint64_t lost;
	uint64_t copied;
	double seconds;
	double cpu;
	double checking;
};

/**
 * struct session - one run
 * @has_target: @target is open
 * @has_node: @node is open
 * @has_layout: @layout is known
 * @buffers: slots of the target
 * @capturing: there was a capture, and @stats counts
 * @last: slot of the last frame
 * @saved: the PNG file is written
 * @failure: what went wrong, if anything
 */
struct session {
	struct options options;
	struct target target;
	struct node node;
	struct layout layout;
	struct verify verify;
	struct stats stats;
	bool has_target;
	bool has_node;
	bool has_layout;
	unsigned int buffers;
	bool capturing;
	unsigned int last;
	bool saved;
	char notes[MAX_NOTES][512];
	unsigned int n_notes;
	struct failure failure;
};

/* Something that the user should know. */
void session_note(struct session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Ask for the format that was asked for, or that the display needs. */
int negotiate(struct session *s);
/* Capture as the options say. The memory is mapped, and the buffers are requested. */
int capture(struct session *s);
/* SIGINT and SIGTERM end capture() properly from now on. */
void capture_catch_signals(void);

/* Write the last frame to @options.save. */
int save_frame(struct session *s);

/* The exit status, with what verification found */
int session_status(const struct session *s);
/* Tell what came of it, as text or JSON. */
void report(const struct session *s);

#endif /* PFNCAP_SESSION_H */

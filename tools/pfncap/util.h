/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all of pfncap uses: how a failure is told, and small helpers
 */
#ifndef PFNCAP_UTIL_H
#define PFNCAP_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit statuses; the manual page lists them. */
enum {
	STATUS_OK,
	STATUS_FAILURE,
	STATUS_USAGE,
	STATUS_REFUSED,		/* the kernel did not take the memory, or took it away */
	STATUS_WRONG,		/* verification failed */
	STATUS_UNVERIFIED,	/* verification was not possible */
};

/**
 * struct failure - why pfncap can't go on
 * @status: exit status; STATUS_OK if nothing failed
 * @error: errno, 0 if it was no system call
 * @call: system call or ioctl, "" if none
 * @what: what could not be done, to whom
 * @meaning: what the errno means here, "" if it speaks for itself
 * @help: what would help, "" if nothing is known
 *
 * Functions that can fail return 0, or -1 with this filled in.
 */
struct failure {
	int status;
	int error;
	char call[48];
	char what[512];
	char meaning[512];
	char help[768];
};

int fail(struct failure *f, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* @error is an errno, or a negative one. */
int fail_call(struct failure *f, int status, const char *call, int error,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void fail_meaning(struct failure *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void fail_help(struct failure *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *error_name(int error);

/* 0 or more, or a negative errno; goes on when a signal came in between. */
int xioctl(int fd, unsigned long request, void *arg);

/* The first line of a file. 0, or a negative errno. */
int read_line(const char *path, char *buf, size_t size);
int write_line(const char *path, const char *text);
/* A number of a file in sysfs, 0x... or decimal. */
int read_number(const char *path, uint64_t *value);
/* The last part of what the symbolic link @path leads to. 0, or a negative errno. */
int link_name(const char *path, char *buf, size_t size);

/* "4096", "0x1000", "4K", "1M", "2G": all of the text, and it fits. */
bool parse_size(const char *text, uint64_t *value);
/* The same without a suffix, and not beyond @max. */
bool parse_number(const char *text, uint64_t max, uint64_t *value);
/* "640x480" */
bool parse_dimensions(const char *text, unsigned int *width, unsigned int *height);
/* One to four characters; those that are missing are blanks. */
bool parse_fourcc(const char *text, uint32_t *fourcc);

struct fourcc_text {
	char s[5];
};

/* Without the blanks at the end. */
struct fourcc_text fourcc_text(uint32_t fourcc);

struct size_text {
	char s[32];
};

/* "16 MiB", "4097 bytes": exact. */
struct size_text size_text(uint64_t size);

size_t round_up_to(size_t size, size_t multiple);
size_t least_common_multiple(size_t a, size_t b);
double now(void);
/* Processor time of this process, in seconds. */
double cpu_time(void);

#endif /* PFNCAP_UTIL_H */

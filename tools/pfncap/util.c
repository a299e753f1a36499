// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

/*
 * Failures
 */

int fail(struct failure *f, int status, const char *fmt, ...)
{
	va_list args;

	memset(f, 0, sizeof(*f));
	f->status = status;
	va_start(args, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, args);
	va_end(args);
	return -1;
}

int fail_call(struct failure *f, int status, const char *call, int error,
	      const char *fmt, ...)
{
	va_list args;

	memset(f, 0, sizeof(*f));
	f->status = status;
	f->error = abs(error);
	snprintf(f->call, sizeof(f->call), "%s", call);
	va_start(args, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, args);
	va_end(args);
	return -1;
}

void fail_meaning(struct failure *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(f->meaning, sizeof(f->meaning), fmt, args);
	va_end(args);
}

void fail_help(struct failure *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(f->help, sizeof(f->help), fmt, args);
	va_end(args);
}

const char *error_name(int error)
{
	return strerrorname_np(error) ?: "unknown errno";
}

/*
 * System calls and small files
 */

int xioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int read_line(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	error = errno;
	close(fd);
	if (n < 0)
		return -error;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int write_line(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int read_number(const char *path, uint64_t *value)
{
	char text[64], *end;
	int ret = read_line(path, text, sizeof(text));

	if (ret)
		return ret;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return end == text || errno ? -EINVAL : 0;
}

int link_name(const char *path, char *buf, size_t size)
{
	char text[4096], *slash;
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	slash = strrchr(text, '/');
	snprintf(buf, size, "%s", slash ? slash + 1 : text);
	return 0;
}

/*
 * Text
 */

static bool parse_leading(const char *text, uint64_t *value, char **end)
{
	/* strtoull() takes blanks and signs */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, end, 0);
	return !errno;
}

bool parse_size(const char *text, uint64_t *value)
{
	unsigned int shift = 0;
	char *end;

	if (!parse_leading(text, value, &end))
		return false;
	switch (*end) {
	case 'K':
	case 'k':
		shift = 10;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	}
	if (shift)
		end++;
	if (*end || *value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	return parse_leading(text, value, &end) && !*end && *value <= max;
}

bool parse_dimensions(const char *text, unsigned int *width, unsigned int *height)
{
	char *x = strchr(text, 'x'), left[16];
	uint64_t w, h;

	if (!x || x - text >= (ptrdiff_t)sizeof(left))
		return false;
	memcpy(left, text, x - text);
	left[x - text] = '\0';
	if (!parse_number(left, 1 << 20, &w) || !parse_number(x + 1, 1 << 20, &h) ||
	    !w || !h)
		return false;
	*width = w;
	*height = h;
	return true;
}

bool parse_fourcc(const char *text, uint32_t *fourcc)
{
	size_t len = strlen(text), i;

	if (!len || len > 4)
		return false;
	*fourcc = 0;
	for (i = 0; i < 4; i++) {
		unsigned char c = i < len ? text[i] : ' ';

		if (c < ' ' || c > '~')
			return false;
		*fourcc |= (uint32_t)c << (8 * i);
	}
	return true;
}

struct fourcc_text fourcc_text(uint32_t fourcc)
{
	struct fourcc_text text = {};
	int i;

	for (i = 0; i < 4; i++) {
		char c = fourcc >> (8 * i) & 0x7f;

		text.s[i] = c < ' ' || c > '~' ? '?' : c;
	}
	for (i = 3; i > 0 && text.s[i] == ' '; i--)
		text.s[i] = '\0';
	return text;
}

struct size_text size_text(uint64_t size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	struct size_text text;
	size_t unit = 0;

	while (size && !(size % 1024) && unit + 1 < ARRAY_LEN(units)) {
		size /= 1024;
		unit++;
	}
	snprintf(text.s, sizeof(text.s), "%llu %s", (unsigned long long)size, units[unit]);
	return text;
}

/*
 * Numbers and time
 */

size_t round_up_to(size_t size, size_t multiple)
{
	return (size + multiple - 1) / multiple * multiple;
}

size_t least_common_multiple(size_t a, size_t b)
{
	size_t x = a, y = b, rest;

	while (y) {
		rest = x % y;
		x = y;
		y = rest;
	}
	return a / x * b;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

double cpu_time(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

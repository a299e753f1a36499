// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

/* Whether the next member follows another one; the whole is the first of its kind. */
static bool follows;

/* Length of the UTF-8 character at @s; 0 if that is none. */
static int utf8_length(const unsigned char *s)
{
	int length = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
		     *s < 0xf5 ? 4 : 0;
	int i;

	for (i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* longer than it had to be, surrogates, beyond the last one */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

/* File names and what drivers call themselves may be any bytes. */
static void put_string(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int length;

	putchar('"');
	for (; *s; s += length ?: 1) {
		length = utf8_length(s);
		if (!length)
			fputs("\\ufffd", stdout);
		else if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s < 0x20)
			printf("\\u%04x", *s);
		else
			fwrite(s, length, 1, stdout);
	}
	putchar('"');
}

static void member(const char *name)
{
	if (follows)
		fputs(", ", stdout);
	follows = true;
	if (name) {
		put_string(name);
		fputs(": ", stdout);
	}
}

void json_open(const char *name, char bracket)
{
	member(name);
	putchar(bracket);
	follows = false;
}

void json_close(char bracket)
{
	putchar(bracket);
	follows = true;
}

void json_string(const char *name, const char *value)
{
	if (!value) {
		json_null(name);
		return;
	}
	member(name);
	put_string(value);
}

void json_number(const char *name, uint64_t value)
{
	member(name);
	printf("%" PRIu64, value);
}

void json_real(const char *name, double value)
{
	member(name);
	printf("%.6g", value);
}

void json_bool(const char *name, bool value)
{
	member(name);
	fputs(value ? "true" : "false", stdout);
}

void json_null(const char *name)
{
	member(name);
	fputs("null", stdout);
}

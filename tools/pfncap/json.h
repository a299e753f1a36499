/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON on stdout, member by member
 *
 * @name is NULL in an array and for the whole.
 */
#ifndef PFNCAP_JSON_H
#define PFNCAP_JSON_H

#include <stdbool.h>
#include <stdint.h>

void json_open(const char *name, char bracket);
void json_close(char bracket);
void json_string(const char *name, const char *value);	/* NULL is null */
void json_number(const char *name, uint64_t value);
void json_real(const char *name, double value);
void json_bool(const char *name, bool value);
void json_null(const char *name);

#endif /* PFNCAP_JSON_H */

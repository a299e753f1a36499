// SPDX-License-Identifier: GPL-2.0-only
/*
 * What came of it: a few lines, or one JSON object
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "session.h"
#include "version.h"

static double rate(const struct session *s)
{
	return s->stats.seconds > 0 ? (s->stats.frames - 1) / s->stats.seconds : 0;
}

static double cpu_ms(const struct session *s)
{
	return s->stats.frames ? s->stats.cpu * 1000 / s->stats.frames : 0;
}

int session_status(const struct session *s)
{
	if (s->failure.status)
		return s->failure.status;
	if (!s->options.verify || !s->capturing)
		return STATUS_OK;
	if (s->verify.bad)
		return STATUS_WRONG;
	return s->verify.moves || !s->verify.frames ? STATUS_UNVERIFIED : STATUS_OK;
}

/*
 * Text
 */

void session_note(struct session *s, const char *fmt, ...)
{
	va_list args;

	if (s->n_notes == MAX_NOTES)
		return;
	va_start(args, fmt);
	vsnprintf(s->notes[s->n_notes], sizeof(s->notes[0]), fmt, args);
	va_end(args);
	if (!s->options.quiet)
		fprintf(stderr, "pfncap: note: %s\n", s->notes[s->n_notes]);
	s->n_notes++;
}

static void tell_failure(const struct failure *f)
{
	fputs("pfncap: ", stderr);
	if (f->error)
		fprintf(stderr, "%s: %s (%s): ", f->call, error_name(f->error),
			strerror(f->error));
	fprintf(stderr, "%s\n", f->what);
	if (*f->meaning)
		fprintf(stderr, "  That means: %s\n", f->meaning);
	if (*f->help)
		fprintf(stderr, "  What helps: %s\n", f->help);
}

static void tell_verification(const struct session *s)
{
	const struct verify *v = &s->verify;

	if (v->bad)
		printf("WRONG: %" PRIu64 " of %" PRIu64 " frames; bytes not written: %" PRIu64
		       ", different from MMAP: %" PRIu64 ", written beside the frame: %" PRIu64
		       "; %s\n", v->bad, v->frames, v->unwritten, v->different, v->beside,
		       v->first);
	else if (v->moves)
		printf("NOT VERIFIED: the source moves: %" PRIu64 " bytes differ between two MMAP "
		       "frames. All %" PRIu64 " frames were written completely, and nothing "
		       "beside them\n", v->moves, v->frames);
	else if (v->frames)
		printf("verified: %" PRIu64 " frames are as MMAP captures them, and nothing beside "
		       "them was written\n", v->frames);
	else
		printf("NOT VERIFIED: there was no frame\n");
}

static void tell_result(const struct session *s)
{
	const struct picture *p = &s->node.picture;
	const struct stats *st = &s->stats;

	printf("%" PRIu64 " frames of %ux%u %s from %s (%s) into %s%s%s%s, %s: %.1f frames/s, "
	       "%" PRIu64 " lost, %" PRIu64 " with errors, CPU %.3f ms per frame, "
	       "%" PRIu64 " bytes copied\n", st->frames, p->width, p->height,
	       fourcc_text(p->fourcc).s, s->node.path, (const char *)s->node.cap.card,
	       s->target.name, *s->target.mapping ? " (" : "", s->target.mapping,
	       *s->target.mapping ? ")" : "", s->options.copy ? "MMAP and copy" : "USERPTR",
	       rate(s), st->lost, st->errors, cpu_ms(s), st->copied);
	if (s->options.verify)
		tell_verification(s);
	if (s->saved)
		printf("last frame: %s\n", s->options.save);
}

/*
 * JSON
 */

static void json_device(const struct session *s)
{
	if (!s->has_node) {
		json_null("device");
		return;
	}
	json_open("device", '{');
	json_string("path", s->node.path);
	json_string("driver", (const char *)s->node.cap.driver);
	json_string("card", (const char *)s->node.cap.card);
	json_string("bus", (const char *)s->node.cap.bus_info);
	json_close('}');
}

static void json_target(const struct session *s)
{
	const struct target *t = &s->target;

	if (!s->options.target) {
		json_null("target");
		return;
	}
	json_open("target", '{');
	json_string("spec", s->options.target);
	if (s->has_target) {
		json_string("kind", kind_name(t->kind));
		json_string("name", t->name);
		json_string("mapping", *t->mapping ? t->mapping : NULL);
		if (t->size)
			json_number("size", t->size);
		else
			json_null("size");
		json_number("offset", t->offset);
	}
	json_close('}');
}

static void json_format(const struct session *s)
{
	const struct picture *p = &s->node.picture;
	unsigned int i;

	if (!s->has_layout) {
		json_null("format");
		return;
	}
	json_open("format", '{');
	json_number("width", p->width);
	json_number("height", p->height);
	json_string("fourcc", fourcc_text(p->fourcc).s);
	json_open("bytesperline", '[');
	for (i = 0; i < p->planes; i++)
		json_number(NULL, p->bytesperline[i]);
	json_close(']');
	json_open("sizeimage", '[');
	for (i = 0; i < p->planes; i++)
		json_number(NULL, p->sizeimage[i]);
	json_close(']');
	json_close('}');
}

static void json_stats(const struct session *s)
{
	const struct stats *st = &s->stats;

	json_number("frames", st->frames);
	json_number("lost", st->lost);
	json_number("errors", st->errors);
	json_real("seconds", st->seconds);
	if (rate(s) > 0)
		json_real("rate", rate(s));
	else
		json_null("rate");
	if (st->frames)
		json_real("cpu_ms_per_frame", cpu_ms(s));
	else
		json_null("cpu_ms_per_frame");
	json_number("bytes_copied", st->copied);
}

static void json_verify(const struct session *s)
{
	const struct verify *v = &s->verify;
	int status = session_status(s);

	if (!s->options.verify || !s->capturing) {
		json_null("verify");
		return;
	}
	json_open("verify", '{');
	json_string("result", v->bad ? "wrong" : status == STATUS_OK ? "ok" : "not verified");
	json_number("frames", v->frames);
	json_number("bad_frames", v->bad);
	json_number("bytes_not_written", v->unwritten);
	json_number("bytes_different", v->different);
	json_number("bytes_beside", v->beside);
	json_number("bytes_moving", v->moves);
	json_string("first", *v->first ? v->first : NULL);
	json_close('}');
}

static void json_failure(const struct failure *f)
{
	if (!f->status) {
		json_null("error");
		return;
	}
	json_open("error", '{');
	json_string("call", *f->call ? f->call : NULL);
	json_string("errno", f->error ? error_name(f->error) : NULL);
	json_string("what", f->what);
	json_string("meaning", *f->meaning ? f->meaning : NULL);
	json_string("help", *f->help ? f->help : NULL);
	json_close('}');
}

static void report_json(const struct session *s)
{
	unsigned int i;

	json_open(NULL, '{');
	json_string("pfncap", VERSION);
	json_number("status", session_status(s));
	json_device(s);
	json_target(s);
	json_string("method", s->options.copy ? "copy" : "userptr");
	json_format(s);
	json_number("buffers", s->buffers);
	json_stats(s);
	json_verify(s);
	json_string("saved", s->saved ? s->options.save : NULL);
	json_open("notes", '[');
	for (i = 0; i < s->n_notes; i++)
		json_string(NULL, s->notes[i]);
	json_close(']');
	json_failure(&s->failure);
	json_close('}');
	putchar('\n');
}

void report(const struct session *s)
{
	if (s->options.json) {
		report_json(s);
		return;
	}
	if (s->capturing)
		tell_result(s);
	fflush(stdout);
	if (s->failure.status)
		tell_failure(&s->failure);
}

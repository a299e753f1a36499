// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus master, which executes the driver's program
 *
 * Every instruction has two words. SYNCO and SYNCE wait for the next odd (first)
 * or even field. LINESTART takes the next line of the field as soon as there is
 * one, and writes some of its bytes; INLINE writes more of them elsewhere. Any of
 * them may raise the interrupt DMAPI.
 *
 * The FIFO never overflows: what is late is written late. A program that wants
 * more lines than the field has gets those of the next field, and FDMIS.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "tw68-reg.h"

#include "chip.h"

#define OPCODE_MASK	0xf0000000U
/* Instructions in a row that write nothing, before the guest has its turn. */
#define MAX_STEPS	64

void engine_start(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;

	e->running = true;
	e->starts++;
	e->pp = chip_reg(chip, TW68_DMAP_SA);
	e->exe = e->pp;
	e->fetched = false;
	e->field = chip_now(chip) / decoder_field_ns(chip);
	e->next_line = UINT32_MAX;
	e->lines_since_jump = 0;
	e->stop_at = CHIP_NEVER;
}

void engine_stop(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;

	e->running = false;
	e->starts++;
	e->stop_at = CHIP_NEVER;
	chip->stats.stops++;
}

/* Nothing good comes of such a program. */
static void engine_halt(struct chip *chip, const char *why)
{
	struct chip_engine *e = &chip->engine;

	chip->stats.risc_errors++;
	chip_error(chip, "%s at %#x (%08x %08x): stopped\n", why, e->exe,
		   e->instruction, e->argument);
	e->running = false;
	e->starts++;
	chip_interrupt(chip, TW68_DMAPERR);
}

/* The captured fields: bit 0 enables even ones, bit 1 odd ones. */
static bool is_enabled(const struct chip *chip, unsigned int parity)
{
	return chip_reg(chip, TW68_CAP_CTL) & (parity ? 1 : 2);
}

/* The engine has been stopped or started anew since. */
static bool is_superseded(const struct chip *chip, unsigned int starts)
{
	return chip->engine.starts != starts;
}

/* When the line is there that LINESTART is going to take. */
static int64_t next_line_due(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;

	if (!decoder_lines(chip))
		return CHIP_NEVER;
	/* the defect needs the FIFO, too */
	if (!(chip_reg(chip, TW68_DMAC) & TW68_FIFO_EN) &&
	    e->stop_at == CHIP_NEVER)
		return CHIP_NEVER;
	if (e->next_line >= decoder_lines(chip)) {
		e->field++;
		e->next_line = 0;
		chip_interrupt(chip, TW68_FDMIS);
	}
	return decoder_line_time(chip, e->field, e->next_line);
}

/*
 * The next field of that parity behind the one that lines were taken from. The
 * engine may be a field late, as there is a FIFO; what is older is lost.
 */
static uint64_t next_field(const struct chip *chip, unsigned int parity)
{
	uint64_t now = chip_now(chip) / decoder_field_ns(chip);
	uint64_t field = chip->engine.field;

	if (field + 1 < now)
		field = now;
	return field + 1 + (field % 2 == parity);
}

/* When the instruction that was fetched can be executed. */
static int64_t instruction_due(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;
	unsigned int parity;

	switch (e->instruction & OPCODE_MASK) {
	case RISC_SYNCO:
	case RISC_SYNCE:
		parity = (e->instruction & OPCODE_MASK) == RISC_SYNCE;
		if (!is_enabled(chip, parity))
			return CHIP_NEVER;
		e->field = next_field(chip, parity);
		e->next_line = 0;
		return e->field * decoder_field_ns(chip);
	case RISC_LINESTART:
		return next_line_due(chip);
	default:
		return 0;
	}
}

static void fetch(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;
	unsigned int starts = e->starts;
	uint32_t words[2];
	int ret;

	e->exe = e->pp;
	ret = vu_dma_read(chip->vu, e->pp, words, sizeof(words));
	if (is_superseded(chip, starts))
		return;
	if (ret) {
		chip->stats.refused++;
		chip_interrupt(chip, TW68_PABORT);
		/* what one reads where nothing answers */
		memset(words, 0xff, sizeof(words));
	}
	e->instruction = le32toh(words[0]);
	e->argument = le32toh(words[1]);
	if (ret) {
		engine_halt(chip, strerror(-ret));
		return;
	}
	e->pp += sizeof(words);
	e->fetched = true;
	e->due = instruction_due(chip);
}

/*
 * In pieces, as the guest may stop the engine between them. On a bus that refuses
 * a write the rest is lost, and the engine goes on. That is told once a field: the
 * driver masks all interrupts for good after ten in a row, which more lines than that
 * would be on a busy host.
 */
static void write_line(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;
	unsigned int starts = e->starts;
	size_t start = e->instruction >> 12 & 0xfff;
	size_t left = e->instruction & 0xfff;
	uint32_t to = e->argument;
	int ret;

	if (start + left > e->line_size) {
		chip->stats.risc_errors++;
		chip_error(chip, "bytes %zu to %zu of a line of %zu at %#x\n",
			   start, start + left, e->line_size, e->exe);
		chip_interrupt(chip, TW68_FFERR);
		return;
	}

	while (left) {
		size_t n = 4096 - to % 4096;

		if (n > left)
			n = left;
		ret = vu_dma_write(chip->vu, to, e->line + start, n);
		if (ret) {
			chip->stats.refused++;
			chip_error(chip,
				   "write of %zu bytes to %#x refused: %s (instruction at %#x, line %u)\n",
				   n, to, strerror(-ret), e->exe,
				   e->next_line - 1);
			if (e->aborted != e->field)
				chip_interrupt(chip, TW68_PABORT);
			e->aborted = e->field;
			return;
		}
		chip->stats.bytes += n;
		if (is_superseded(chip, starts))
			return;
		to += n;
		start += n;
		left -= n;
	}
}

/* The guest has not yet noticed the last end of a frame. */
static bool is_unanswered(const struct chip *chip)
{
	return chip_reg(chip, TW68_INTSTAT) & chip_reg(chip, TW68_INTMASK) &
	       TW68_DMAPI;
}

/* See chip_options.patient. */
static bool is_held(const struct chip *chip)
{
	return chip->options.patient &&
	       chip->engine.instruction & RISC_INT_BIT && is_unanswered(chip);
}

/* Returns true if it is time for the guest. */
static bool execute(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;
	unsigned int starts = e->starts;
	bool wrote = false;

	e->fetched = false;
	switch (e->instruction & OPCODE_MASK) {
	case RISC_SYNCO:
	case RISC_SYNCE:
		chip->stats.fields++;
		break;
	case RISC_JUMP:
		e->pp = e->argument;
		chip->stats.frames += !!e->lines_since_jump;
		e->lines_since_jump = 0;
		break;
	case RISC_LINESTART:
		e->line_size = decoder_line(chip, e->field, e->next_line++,
					    e->line);
		e->lines_since_jump++;
		chip->stats.lines++;
		/* fall through */
	case RISC_INLINE:
		write_line(chip);
		wrote = true;
		break;
	default:
		engine_halt(chip, "no such instruction");
	}
	if (is_superseded(chip, starts))
		return true;
	if (e->instruction & RISC_INT_BIT) {
		chip->stats.coalesced += is_unanswered(chip);
		chip_interrupt(chip, TW68_DMAPI);
	}
	return wrote;
}

/* The defect: it is only now that the engine notices. */
static void stop_late(struct chip *chip)
{
	engine_stop(chip);
	if (chip_reg(chip, TW68_DMAC) & TW68_DMAP_EN)
		engine_start(chip);
}

int64_t chip_run(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;
	unsigned int steps;
	int64_t now, due;

	if (e->running && chip_now(chip) >= e->stop_at)
		stop_late(chip);

	for (steps = 0; steps < MAX_STEPS; steps++) {
		if (!e->running || !chip->locked)
			return CHIP_NEVER;
		if (!e->fetched) {
			fetch(chip);
			continue;
		}
		/* what it was waiting for may have been switched on */
		if (e->due == CHIP_NEVER)
			e->due = instruction_due(chip);
		due = is_held(chip) ? CHIP_NEVER : e->due;
		if (due > e->stop_at)
			due = e->stop_at;
		if (due == CHIP_NEVER)
			return due;
		now = chip_now(chip);
		if (now < due) {
			if (!chip->options.fast)
				return due - now;
			chip->skew += due - now;
		}
		if (due == e->stop_at || execute(chip))
			return 0;
	}
	return 0;
}

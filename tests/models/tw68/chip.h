/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The video function of a Techwell TW6802 (PCI id 1797:6801), as the driver tw68
 * sees it
 */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "picture.h"
#include "vfio-user.h"

#define CHIP_MMIO	4096
#define CHIP_REGS	0x400	/* what is behind them is not used */
#define CHIP_LINE_MAX	1024	/* pixels */
#define CHIP_NEVER	INT64_MAX

/* The standard that the camera sends */
enum chip_signal {
	CHIP_SIGNAL_AUTO,	/* whatever the decoder is set to */
	CHIP_SIGNAL_525_60,
	CHIP_SIGNAL_625_50,
	CHIP_SIGNAL_NONE,
};

/**
 * struct chip_options - how the model behaves
 * @signal: what the camera sends
 * @fps: frames a second, 0 for the standard's
 * @fast: as fast as it goes instead of in real time
 * @patient: don't raise DMAPI while the guest has not answered the last one
 * @no_stop: deliberate defect: the engine goes on for a field after it was
 *	stopped
 * @log: where errors are told
 * @log_max: errors to tell, the others are only counted
 */
struct chip_options {
	enum chip_signal signal;
	unsigned int fps;
	bool fast;
	bool patient;
	bool no_stop;
	FILE *log;
	unsigned int log_max;
};

/**
 * struct chip_engine - executes the RISC program
 * @running: it is enabled
 * @starts: counts starts and stops; whoever waited for a transfer looks whether
 *	he is still meant
 * @pp: address of the next instruction
 * @exe: address of the instruction in execution
 * @fetched: the instruction was fetched and waits for the video signal
 * @instruction: its first word
 * @argument: its second word
 * @due: when it can be executed
 * @field: number of the field that lines are taken from
 * @next_line: the next line of it
 * @line: the line, as it goes to memory
 * @line_size: bytes of @line
 * @aborted: the last field of which a write was refused, see write_line()
 * @lines_since_jump: whether there was a frame between two jumps
 * @stop_at: no_stop: when it does stop
 */
struct chip_engine {
	bool running;
	unsigned int starts;
	uint32_t pp;
	uint32_t exe;
	bool fetched;
	uint32_t instruction;
	uint32_t argument;
	int64_t due;
	uint64_t field;
	unsigned int next_line;
	uint8_t line[4 * CHIP_LINE_MAX];
	size_t line_size;
	uint64_t aborted;
	unsigned int lines_since_jump;
	int64_t stop_at;
};

/**
 * struct chip - the chip
 * @vu: its connection to the machine
 * @options: how it behaves
 * @picture: what it sees
 * @regs: its registers
 * @engine: its bus master
 * @skew: time that was skipped, see chip_options.fast
 * @locked: there is a signal that the decoder understands
 * @stats: counted since the start
 */
struct chip {
	struct vu *vu;
	struct chip_options options;
	struct picture *picture;
	uint32_t regs[CHIP_REGS / 4];
	struct chip_engine engine;
	int64_t skew;
	bool locked;
	struct {
		uint64_t frames;
		uint64_t fields;
		uint64_t lines;
		uint64_t bytes;
		uint64_t refused;
		uint64_t risc_errors;
		uint64_t stops;
		uint64_t coalesced;
	} stats;
};

extern const struct vu_id chip_id;
extern const struct vu_ops chip_ops;

/*
 * Go on, by one line at most. Returns in how many nanoseconds there is something
 * to do again, CHIP_NEVER if the guest has to do something before.
 */
int64_t chip_run(struct chip *chip);

/* One line about all that happened. */
void chip_summary(const struct chip *chip);

/*
 * Between registers (chip.c), engine (risc.c) and decoder (decoder.c)
 */

uint32_t chip_reg(const struct chip *chip, unsigned int reg);
/* Raise the interrupts @bits. */
void chip_interrupt(struct chip *chip, uint32_t bits);
int64_t chip_now(const struct chip *chip);
/* Tell an error, unless there were too many before. */
void chip_error(struct chip *chip, const char *format, ...);

void engine_start(struct chip *chip);
void engine_stop(struct chip *chip);

bool decoder_locked(const struct chip *chip);
uint8_t decoder_status(const struct chip *chip);
uint8_t decoder_sdt(const struct chip *chip);
/* Length of a field. */
int64_t decoder_field_ns(const struct chip *chip);
/* Lines of a field that come out of the scaler. */
unsigned int decoder_lines(const struct chip *chip);
/* When line @line of field @field is there. */
int64_t decoder_line_time(const struct chip *chip, uint64_t field,
			  unsigned int line);
/* The line in the format that is set. Returns its size. */
size_t decoder_line(struct chip *chip, uint64_t field, unsigned int line,
		    uint8_t out[4 * CHIP_LINE_MAX]);

#endif /* CHIP_H */

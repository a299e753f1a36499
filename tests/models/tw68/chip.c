// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and interrupts
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "tw68-reg.h"

#include "chip.h"

/* Registers from here on have 8 bits. */
#define DECODER		0x200
#define ACNTL_RESET	0x80

/**
 * struct reg - what a register is like
 * @offset: where it is
 * @writable: bits that keep what is written to them
 * @reset: value after a reset
 *
 * What is not here reads as zero, and writing it is told as an error.
 */
struct reg {
	uint16_t offset;
	uint32_t writable;
	uint32_t reset;
};

static const struct reg regs[] = {
	{ TW68_DMAC, 0xffff, 0 },
	{ TW68_DMAP_SA, 0xfffffffc, 0 },
	{ TW68_DMAP_EXE, 0, 0 },
	{ TW68_DMAP_PP, 0, 0 },
	{ TW68_VBIC, 0xffffffff, 0 },
	{ TW68_SBUSC, 0xffffffff, 0 },
	{ TW68_SBUSSD, 0xffffffff, 0 },
	{ TW68_INTSTAT, 0, 0 },
	{ TW68_INTMASK, 0xffffffff, 0 },
	{ TW68_GPIOC, 0xffffffff, 0 },
	{ TW68_GPOE, 0xffffffff, 0 },
	{ TW68_TESTREG, 0xffffffff, 0 },
	{ TW68_SBUSRD, 0, 0 },
	{ TW68_SBUS_TRIG, 0, 0 },
	{ TW68_CAP_CTL, 0xffffffff, 0 },
	{ TW68_SUBSYS, 0, 0 },
	{ TW68_I2C_RST, 0xffffffff, 0 },
	{ TW68_VBIINST, 0xffffffff, 0 },
	{ TW68_GPDATA, 0xffffffff, 0 },

	{ TW68_STATUS1, 0, 0 },
	{ TW68_INFORM, 0xff, 0x40 },
	{ TW68_OPFORM, 0xff, 0x04 },
	{ TW68_HSYNC, 0xff, 0 },
	{ TW68_ACNTL, 0x7f, 0x42 },
	{ TW68_CROP_HI, 0xff, 0x02 },
	{ TW68_VDELAY_LO, 0xff, 0x12 },
	{ TW68_VACTIVE_LO, 0xff, 0xf0 },
	{ TW68_HDELAY_LO, 0xff, 0x0f },
	{ TW68_HACTIVE_LO, 0xff, 0xd0 },
	{ TW68_CNTRL1, 0xff, 0xcd },
	{ TW68_VSCALE_LO, 0xff, 0 },
	{ TW68_SCALE_HI, 0xff, 0x11 },
	{ TW68_HSCALE_LO, 0xff, 0 },
	{ TW68_BRIGHT, 0xff, 0 },
	{ TW68_CONTRAST, 0xff, 0x5c },
	{ TW68_SHARPNESS, 0xff, 0x51 },
	{ TW68_SAT_U, 0xff, 0x80 },
	{ TW68_SAT_V, 0xff, 0x80 },
	{ TW68_HUE, 0xff, 0 },
	{ TW68_SHARP2, 0xff, 0x53 },
	{ TW68_VSHARP, 0xff, 0x80 },
	{ TW68_CORING, 0xff, 0x44 },
	{ TW68_VBICNTL, 0xff, 0 },
	{ TW68_CNTRL2, 0xff, 0 },
	{ TW68_CC_DATA, 0, 0 },
	{ TW68_SDT, 0x0f, 0x07 },
	{ TW68_SDTR, 0xff, 0x7f },
	{ TW68_RESERV2, 0xff, 0 },
	{ TW68_RESERV3, 0xff, 0 },
	{ TW68_CLMPG, 0xff, 0x50 },
	{ TW68_IAGC, 0xff, 0x22 },
	{ TW68_AGCGAIN, 0xff, 0xf0 },
	{ TW68_PEAKWT, 0xff, 0xd8 },
	{ TW68_CLMPL, 0xff, 0x3c },
	{ TW68_SYNCT, 0xff, 0x38 },
	{ TW68_MISSCNT, 0xff, 0x44 },
	{ TW68_PCLAMP, 0xff, 0x28 },
	{ TW68_VCNTL1, 0xff, 0 },
	{ TW68_VCNTL2, 0xff, 0 },
	{ TW68_CKILL, 0xff, 0x68 },
	{ TW68_COMB, 0xff, 0x44 },
	{ TW68_LDLY, 0xff, 0x30 },
	{ TW68_MISC1, 0xff, 0x14 },
	{ TW68_LOOP, 0xff, 0xa5 },
	{ TW68_MISC2, 0xff, 0xe0 },
	{ TW68_MVSN, 0, 0 },
	{ TW68_STATUS2, 0, 0 },
	{ TW68_HFREF, 0, 0 },
	{ TW68_CLMD, 0xff, 0x05 },
	{ TW68_IDCNTL, 0xff, 0x1e },
	{ TW68_CLCNTL1, 0xff, 0 },

	{ TW68_ACKI1, 0xff, 0 },
	{ TW68_ACKI2, 0xff, 0 },
	{ TW68_ACKI3, 0xff, 0 },
	{ TW68_ACKN1, 0xff, 0 },
	{ TW68_ACKN2, 0xff, 0 },
	{ TW68_ACKN3, 0xff, 0 },
	{ TW68_SDIV, 0xff, 0 },
	{ TW68_LRDIV, 0xff, 0 },
	{ TW68_ACCNTL, 0xff, 0 },
	{ TW68_VSCTL, 0xff, 0 },
	{ TW68_CHROMAGVAL, 0, 0 },
	{ TW68_F2CROP_HI, 0xff, 0x02 },
	{ TW68_F2VDELAY_LO, 0xff, 0x12 },
	{ TW68_F2VACTIVE_LO, 0xff, 0xf0 },
	{ TW68_F2HDELAY_LO, 0xff, 0x0f },
	{ TW68_F2HACTIVE_LO, 0xff, 0xd0 },
	{ TW68_F2CNT, 0xff, 0 },
	{ TW68_F2VSCALE_LO, 0xff, 0 },
	{ TW68_F2SCALE_HI, 0xff, 0x11 },
	{ TW68_F2HSCALE_LO, 0xff, 0 },
};

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

const struct vu_id chip_id = {
	.vendor = 0x1797,
	.device = 0x6801,
	.subvendor = 0x1797,
	.subdevice = 0x6801,
	.class = 0x040000,	/* multimedia video controller */
	.revision = 0x10,
	.bar_size = { CHIP_MMIO },
	.intx = true,
};

void chip_error(struct chip *chip, const char *format, ...)
{
	va_list args;

	if (!chip->options.log_max)
		return;
	chip->options.log_max--;
	fprintf(chip->options.log, "tw68: ");
	va_start(args, format);
	vfprintf(chip->options.log, format, args);
	va_end(args);
	if (!chip->options.log_max)
		fprintf(chip->options.log,
			"tw68: further errors are only counted\n");
}

int64_t chip_now(const struct chip *chip)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec + chip->skew;
}

uint32_t chip_reg(const struct chip *chip, unsigned int reg)
{
	return chip->regs[reg / 4];
}

static void update_interrupt(struct chip *chip)
{
	vu_intx(chip->vu, chip_reg(chip, TW68_INTSTAT) &
			  chip_reg(chip, TW68_INTMASK));
}

void chip_interrupt(struct chip *chip, uint32_t bits)
{
	chip->regs[TW68_INTSTAT / 4] |= bits;
	update_interrupt(chip);
}

static void update_lock(struct chip *chip)
{
	bool locked = decoder_locked(chip);

	if (locked != chip->locked)
		chip_interrupt(chip, TW68_HLOCK | TW68_VLOCK);
	chip->locked = locked;
}

/* The engine notices at once, or does not: see chip_options.no_stop. */
static void write_dmac(struct chip *chip)
{
	struct chip_engine *e = &chip->engine;
	bool enabled = chip_reg(chip, TW68_DMAC) & TW68_DMAP_EN;

	if (enabled && !e->running) {
		engine_start(chip);
	} else if (!enabled && e->running) {
		if (!chip->options.no_stop)
			engine_stop(chip);
		else if (e->stop_at == CHIP_NEVER)
			e->stop_at = chip_now(chip) + decoder_field_ns(chip);
	}
}

static const struct reg *find_reg(unsigned int offset)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(regs); i++)
		if (regs[i].offset == offset)
			return &regs[i];
	return NULL;
}

/* Write @value to those bits of a register that are set in @lanes. */
static void write_reg(struct chip *chip, unsigned int offset, uint32_t value,
		      uint32_t lanes)
{
	const struct reg *reg = find_reg(offset);
	uint32_t mask;

	if (!reg) {
		chip_error(chip, "%#x written to %#x, which is no register\n",
			   value, offset);
		return;
	}
	mask = reg->writable & lanes;
	chip->regs[offset / 4] = (chip->regs[offset / 4] & ~mask) |
				 (value & mask);

	switch (offset) {
	case TW68_DMAC:
		write_dmac(chip);
		break;
	case TW68_INTSTAT:
		chip->regs[offset / 4] &= ~(value & lanes);
		update_interrupt(chip);
		break;
	case TW68_INTMASK:
		update_interrupt(chip);
		break;
	case TW68_SBUS_TRIG:
		/* there is nothing on the serial bus */
		chip_interrupt(chip, TW68_SBDONE | TW68_SBERR);
		break;
	case TW68_SDT:
		update_lock(chip);
		break;
	default:
		break;
	}
}

static uint32_t read_reg(const struct chip *chip, unsigned int offset)
{
	switch (offset) {
	case TW68_DMAP_EXE:
		return chip->engine.exe;
	case TW68_DMAP_PP:
		return chip->engine.pp;
	case TW68_STATUS1:
		return decoder_status(chip);
	case TW68_SDT:
		return decoder_sdt(chip);
	default:
		return chip_reg(chip, offset);
	}
}

static void mmio_read(void *device, unsigned int bar, uint64_t offset,
		      void *data, size_t size)
{
	struct chip *chip = device;
	uint8_t *bytes = data;

	(void)bar;
	for (; size; size--, offset++, bytes++)
		*bytes = offset < CHIP_REGS ?
			 read_reg(chip, offset & ~3U) >> 8 * (offset & 3) : 0;
}

static void mmio_write(void *device, unsigned int bar, uint64_t offset,
		       const void *data, size_t size)
{
	struct chip *chip = device;
	const uint8_t *bytes = data;

	(void)bar;
	while (size) {
		unsigned int reg = offset & ~3U;
		uint32_t value = 0, lanes = 0;

		/* a register at a time */
		do {
			unsigned int shift = 8 * (offset++ & 3);

			value |= (uint32_t)*bytes++ << shift;
			lanes |= 0xffU << shift;
		} while (--size && offset & 3);
		if (reg < CHIP_REGS)
			write_reg(chip, reg, value, lanes);
	}
}

static void reset(void *device)
{
	struct chip *chip = device;
	size_t i;

	if (chip->engine.running)
		engine_stop(chip);
	memset(chip->regs, 0, sizeof(chip->regs));
	for (i = 0; i < ARRAY_LEN(regs); i++)
		chip->regs[regs[i].offset / 4] = regs[i].reset;
	chip->locked = decoder_locked(chip);
	update_interrupt(chip);
}

const struct vu_ops chip_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.reset = reset,
};

void chip_summary(const struct chip *chip)
{
	fprintf(chip->options.log,
		"tw68: summary: frames=%" PRIu64 " fields=%" PRIu64
		" lines=%" PRIu64 " bytes=%" PRIu64 " refused=%" PRIu64
		" risc_errors=%" PRIu64 " stops=%" PRIu64
		" coalesced=%" PRIu64 " interrupts=%" PRIu64
		" dma_maps=%" PRIu64
		" dma_unmaps=%" PRIu64 " direct=%" PRIu64
		" messages=%" PRIu64 "\n",
		chip->stats.frames, chip->stats.fields, chip->stats.lines,
		chip->stats.bytes, chip->stats.refused,
		chip->stats.risc_errors, chip->stats.stops,
		chip->stats.coalesced, chip->vu->stats.interrupts,
		chip->vu->stats.dma_maps,
		chip->vu->stats.dma_unmaps, chip->vu->stats.bytes_direct,
		chip->vu->stats.bytes_message);
	fflush(chip->options.log);
}

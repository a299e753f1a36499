// SPDX-License-Identifier: GPL-2.0-only
/*
 * ARC firmware for QEMU's Magnum: just what Linux needs to be started by it.
 *
 * QEMU's -kernel and -append get here by way of the semihosting calls of MIPS
 * (UHI), which also read the kernel's file and say why there is no kernel. Nothing
 * cares for caches, as QEMU has none.
 */
#include <elf.h>
#include <stddef.h>

#define KSEG0			0x80000000
#define ARC_MAX_ARGS		64
#define ARC_PAGE_SHIFT		12
#define FIRMWARE_PAGES		16	/* of RAM, the stack is at their end */
#define MAX_RAM			(256 << 20)

asm("	.section .reset, \"ax\"\n"
"	.globl	_start\n"
"_start: lui	$sp, 0xa001\n"
"	addiu	$sp, -32\n"
"	la	$t9, boot\n"
"	jr	$t9\n"
"	 nop\n"
"	.previous");

enum uhi { UHI_EXIT = 1, UHI_OPEN, UHI_READ = 4, UHI_LSEEK = 6, UHI_ARGC = 9,
	   UHI_ARGN = 11, UHI_LOG = 13 };

static long uhi(enum uhi call, unsigned long arg0, unsigned long arg1,
		unsigned long arg2)
{
	register long op asm("$25") = call;
	register unsigned long a0 asm("$4") = arg0;
	register unsigned long a1 asm("$5") = arg1;
	register unsigned long a2 asm("$6") = arg2;
	register long ret asm("$2");

	asm volatile(".set push\n.set mips32\nsdbbp 1\n.set pop" : "=r" (ret)
		     : "r" (op), "r" (a0), "r" (a1), "r" (a2) : "$3", "memory");
	return ret;
}

static _Noreturn void give_up(const char *why)
{
	uhi(UHI_LOG, (unsigned long)why, 0, 0);
	uhi(UHI_EXIT, 1, 0, 0);
	__builtin_unreachable();
}

/* The ARC specification's structures, with Linux' names for them */
struct linux_mdesc {
	enum { arc_free = 2, arc_aperm = 6 } type;
	unsigned long base, pages;
};

struct linux_component {
	int class, type, iflags;
	unsigned short vers, rev;
	unsigned long key, amask, cdsize, ilen;
	const char *iname;
};

#define ARC_VECTORS		37

struct system_parameter_block {
	unsigned long magic, len;
	unsigned short ver, rev;
	void *rs_block, *dbg_block, *gevect, *utlbvect;
	unsigned long rveclen;
	void *const *romvec;
	unsigned long pveclen;
	void *pvector;
	unsigned long adap_cnt;
};

/* RAM, of which only the beginning has its fixed place: not cached */
struct arc {
	struct system_parameter_block spb;
	struct linux_mdesc memory[3];
	char *argv[ARC_MAX_ARGS];
	char strings[];
};

#define ARC ((struct arc *)0xa0001000)

static const struct linux_component root = {
	.vers = 1,
	.ilen = sizeof("Microsoft-Jazz"),
	.iname = "Microsoft-Jazz",
};

static const struct linux_component *get_child(const struct linux_component *of)
{
	return of ? NULL : &root;
}

static struct linux_mdesc *get_memory(struct linux_mdesc *last)
{
	struct linux_mdesc *next = last ? last + 1 : ARC->memory;

	return next->pages ? next : NULL;
}

static void unsupported(void)
{
	give_up("the firmware doesn't have what was called\n");
}

static void *const romvec[ARC_VECTORS] = {
	[0 ... 9] = unsupported,
	[10] = get_child,
	[11 ... 17] = unsupported,
	[18] = get_memory,
	[19 ... ARC_VECTORS - 1] = unsupported,
};

/* A register of the EISA bus, whose physical address is beyond KSEG1 */
static void outb(unsigned char val, unsigned int port)
{
	asm volatile(".set push\n.set mips3\n"
		     "mfc0 $8, $12\nori $8, 0x80\nmtc0 $8, $12\n"	/* KX */
		     "nop\nnop\nnop\nnop\n"
		     "dli $8, 0x9000000090000000\ndaddu $8, %1\nsb %0, ($8)\n"
		     "mfc0 $8, $12\nxori $8, 0x80\nmtc0 $8, $12\n"
		     ".set pop" : : "r" (val), "r" (port) : "$8", "memory");
}

/*
 * QEMU's R4030 answers with 7 when it is asked which interrupt of the EISA bus
 * this is. The only one, that of the timer, would never be acknowledged: let it
 * be raised before there is somebody to hear it, and never again.
 */
static void silence_timer(void)
{
	outb(0x30, 0x43);	/* channel 0 is to count down once */
	outb(1, 0x40);
	outb(0, 0x40);
}

/* Where there is no RAM, this machine reads 0 */
static unsigned long ram_size(void)
{
	unsigned long size = 1 << 20;

	while (size < MAX_RAM) {
		volatile unsigned long *p = (void *)(KSEG0 + size);

		*p = size;
		if (*p != size)
			break;
		size += 1 << 20;
	}
	return size;
}

static void read_at(int file, long offset, void *to, long len)
{
	if (uhi(UHI_LSEEK, file, offset, 0 /* SEEK_SET */) != offset ||
	    uhi(UHI_READ, file, (unsigned long)to, len) != len)
		give_up("the kernel can't be read\n");
}

/* The kernel clears its .bss itself. */
static unsigned long load_kernel(const char *name)
{
	int file = uhi(UHI_OPEN, (unsigned long)name, 0 /* O_RDONLY */, 0);
	Elf32_Ehdr elf;
	Elf32_Phdr segment;
	int i;

	if (file < 0)
		give_up("-kernel can't be opened\n");
	read_at(file, 0, &elf, sizeof(elf));
	if (elf.e_ident[EI_CLASS] != ELFCLASS32 || elf.e_machine != EM_MIPS)
		give_up("-kernel is not for this machine\n");
	for (i = 0; i < elf.e_phnum; i++) {
		read_at(file, elf.e_phoff + i * sizeof(segment), &segment,
			sizeof(segment));
		if (segment.p_type == PT_LOAD)
			read_at(file, segment.p_offset, (void *)segment.p_vaddr,
				segment.p_filesz);
	}
	return elf.e_entry;
}

void boot(void)
{
	int i, argc = uhi(UHI_ARGC, 0, 0, 0);
	void (*kernel)(int argc, char **argv, char **envp);
	char *s = ARC->strings;

	if (argc < 1 || argc > ARC_MAX_ARGS)
		give_up("no -kernel, or too long an -append\n");
	for (i = 0; i < argc; i++) {
		ARC->argv[i] = s;
		if (uhi(UHI_ARGN, i, (unsigned long)s, 0))
			give_up("an argument can't be read\n");
		while (*s++)
			;
	}

	ARC->memory[0] = (struct linux_mdesc){ arc_aperm, 0, FIRMWARE_PAGES };
	ARC->memory[1] = (struct linux_mdesc){ arc_free, FIRMWARE_PAGES,
		(ram_size() >> ARC_PAGE_SHIFT) - FIRMWARE_PAGES };
	ARC->memory[2].pages = 0;
	ARC->spb = (struct system_parameter_block){
		.magic = 0x53435241,	/* "ARCS" */
		.len = sizeof(ARC->spb),
		.ver = 1,
		.rev = 2,
		.rveclen = sizeof(romvec),
		.romvec = romvec,
	};

	silence_timer();
	kernel = (void *)load_kernel(ARC->argv[0]);
	kernel(argc, ARC->argv, NULL);
}

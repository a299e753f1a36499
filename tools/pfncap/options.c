// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "options.h"

static const char help[] =
"usage: pfncap [OPTION]... TARGET\n"
"       pfncap --list [--json]\n"
"\n"
"Capture video straight into memory: of a device, reserved RAM, a display.\n"
"\n"
"TARGET is one of\n"
"  pci:0000:00:04.0:0        a BAR of a PCI device\n"
"  /dev/fb0                  a framebuffer\n"
"  drm:/dev/dri/card0        dumb buffers of a display, shown on it\n"
"  /dev/uio0[:MAP]           a memory of a UIO device\n"
"  /dev/udmabuf0             a buffer of u-dma-buf\n"
"  /dev/dax0.0               device-dax\n"
"  /dev/mem:START+SIZE       a physical range; also of any other character device\n"
"  FILE                      a file, made and extended as needed\n"
"  anon                      anonymous memory\n"
"\n"
"  -d, --device NODE         capture from NODE (default: the first that will do)\n"
"  -s, --size WxH            ask for this size (default: the current one)\n"
"  -f, --format FOURCC       ask for this format, e.g. YUYV, XR24, RGB3\n"
"  -r, --fps N               ask for this rate\n"
"  -n, --frames N            stop after N frames (default 100; 0: at SIGINT)\n"
"  -b, --buffers N           so many buffers (default 4, or as many as fit)\n"
"  -o, --offset BYTES        begin so far into the target; 4096, 0x1000, 64K, 1M\n"
"  -m, --method METHOD       userptr (default): the driver writes to the target;\n"
"                            copy: capture by MMAP, and copy\n"
"      --mapping TYPE        auto (default), cached, wc, uncached: how the target\n"
"                            is mapped, where there is a choice\n"
"      --overlap             all buffers at the same place\n"
"      --verify              compare every frame with what MMAP captures, and look\n"
"                            for bytes left out and bytes written beside it\n"
"      --save FILE.png       write the last frame as PNG\n"
"      --timeout SECONDS     how long to wait for a frame (default 5)\n"
"  -j, --json                one JSON object instead of text\n"
"  -q, --quiet               no progress and no notes\n"
"  -l, --list                what this machine has: nodes and targets\n"
"  -h, --help\n"
"  -V, --version\n"
"\n"
"Exit status: 0 if all went well, 1 for a failure, 2 for wrong usage, 3 if the\n"
"kernel refused the memory or took it away, 4 if verification failed, 5 if it was\n"
"not possible.\n";

enum {
	OPT_MAPPING = 256,
	OPT_OVERLAP,
	OPT_VERIFY,
	OPT_SAVE,
	OPT_TIMEOUT,
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "size", required_argument, NULL, 's' },
	{ "format", required_argument, NULL, 'f' },
	{ "fps", required_argument, NULL, 'r' },
	{ "frames", required_argument, NULL, 'n' },
	{ "buffers", required_argument, NULL, 'b' },
	{ "offset", required_argument, NULL, 'o' },
	{ "method", required_argument, NULL, 'm' },
	{ "mapping", required_argument, NULL, OPT_MAPPING },
	{ "overlap", no_argument, NULL, OPT_OVERLAP },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "save", required_argument, NULL, OPT_SAVE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{}
};

void options_help(void)
{
	fputs(help, stdout);
}

static int usage(struct failure *f)
{
	f->status = STATUS_USAGE;
	fail_help(f, "pfncap --help");
	return -1;
}

static int bad_value(struct failure *f, const char *option, const char *value,
		     const char *wanted)
{
	fail(f, STATUS_USAGE, "%s %s: %s is wanted", option, value, wanted);
	return usage(f);
}

/* Index of @value in @names, or -1 */
static int choice(const char *const names[], size_t n, const char *value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], value))
			return i;
	return -1;
}

static int take_choice(struct options *o, int option, const char *value, struct failure *f)
{
	static const char *const methods[] = { "userptr", "copy" };
	static const char *const mappings[] = {
		[MAPPING_AUTO] = "auto",
		[MAPPING_CACHED] = "cached",
		[MAPPING_WC] = "wc",
		[MAPPING_UNCACHED] = "uncached",
	};
	int n;

	if (option == 'm') {
		n = choice(methods, ARRAY_LEN(methods), value);
		if (n < 0)
			return bad_value(f, "--method", value, "userptr or copy");
		o->copy = n;
	} else {
		n = choice(mappings, ARRAY_LEN(mappings), value);
		if (n < 0)
			return bad_value(f, "--mapping", value, "auto, cached, wc or uncached");
		o->mapping = n;
	}
	return 0;
}

static int take_number(struct options *o, int option, const char *value, struct failure *f)
{
	uint64_t n;

	switch (option) {
	case 'r':
		if (!parse_number(value, 1000000, &n) || !n)
			return bad_value(f, "--fps", value, "a number of frames per second");
		o->fps = n;
		break;
	case 'n':
		if (!parse_number(value, UINT64_MAX, &o->frames))
			return bad_value(f, "--frames", value, "a number of frames, or 0");
		break;
	case 'b':
		if (!parse_number(value, MAX_BUFFERS, &n) || !n)
			return bad_value(f, "--buffers", value, "a number from 1 to 32");
		o->buffers = n;
		break;
	case 'o':
		if (!parse_size(value, &o->offset))
			return bad_value(f, "--offset", value,
					 "a number of bytes like 4096, 0x1000, 64K or 1M");
		break;
	case OPT_TIMEOUT:
		if (!parse_number(value, 86400, &n) || !n)
			return bad_value(f, "--timeout", value, "a number of seconds");
		o->timeout = n;
		break;
	}
	return 0;
}

static int take(struct options *o, int option, const char *value, struct failure *f)
{
	switch (option) {
	case 'd':
		o->device = value;
		break;
	case 's':
		if (!parse_dimensions(value, &o->width, &o->height))
			return bad_value(f, "--size", value, "something like 640x480");
		break;
	case 'f':
		if (!parse_fourcc(value, &o->format))
			return bad_value(f, "--format", value, "a FOURCC like YUYV");
		break;
	case 'm':
	case OPT_MAPPING:
		return take_choice(o, option, value, f);
	case OPT_OVERLAP:
		o->overlap = true;
		break;
	case OPT_VERIFY:
		o->verify = true;
		break;
	case OPT_SAVE:
		o->save = value;
		break;
	case 'j':
		o->json = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'l':
		o->action = ACTION_LIST;
		break;
	case 'h':
		o->action = ACTION_HELP;
		break;
	case 'V':
		o->action = ACTION_VERSION;
		break;
	default:
		return take_number(o, option, value, f);
	}
	return 0;
}

/* Whoever asked for JSON gets JSON, whatever is wrong before it. */
static bool wants_json(int argc, char *argv[])
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"))
			return true;
	return false;
}

static int check(const struct options *o, int left, const char *extra, struct failure *f)
{
	if (o->action == ACTION_HELP || o->action == ACTION_VERSION)
		return 0;
	if (left > 1) {
		fail(f, STATUS_USAGE, "one TARGET only: what is '%s'?", extra);
		return usage(f);
	}
	if (o->action == ACTION_LIST && left) {
		fail(f, STATUS_USAGE, "--list takes no TARGET");
		return usage(f);
	}
	if (o->action == ACTION_CAPTURE && !left) {
		fail(f, STATUS_USAGE, "no TARGET; --list shows what there is");
		return usage(f);
	}
	if (o->overlap && o->verify) {
		fail(f, STATUS_USAGE,
		     "--overlap and --verify: a buffer must keep its frame to be compared");
		return usage(f);
	}
	return 0;
}

int options_parse(struct options *o, int argc, char *argv[], struct failure *f)
{
	int option;

	memset(o, 0, sizeof(*o));
	o->frames = 100;
	o->timeout = 5;
	o->json = wants_json(argc, argv);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":d:s:f:r:n:b:o:m:jqlhV", long_options,
				     NULL)) != -1) {
		if (option == '?' || option == ':') {
			fail(f, STATUS_USAGE, option == ':' ? "%s wants an argument" :
							      "%s is no option, or not like that",
			     argv[optind - 1]);
			return usage(f);
		}
		if (take(o, option, optarg, f))
			return -1;
	}
	o->target = argv[optind];
	return check(o, argc - optind, argc - optind > 1 ? argv[optind + 1] : NULL, f);
}

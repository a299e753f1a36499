// SPDX-License-Identifier: GPL-2.0-only
/*
 * tw68-model: a TW6802 card for QEMU's vfio-user-pci
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "chip.h"

/* Lines come every 64 us; that often nobody has to wake up. */
#define NAP_NS		200000
#define LONG_NAP_NS	1000000000

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static const char usage[] =
"usage: tw68-model [OPTION]... SOCKET\n"
"\n"
"Model of a Techwell TW6802 video capture card (PCI 1797:6801) in a process of its\n"
"own. Start it first; when SOCKET is there, QEMU can connect to it:\n"
"  -object memory-backend-memfd,id=ram,size=1G,share=on\n"
"  -machine q35,memory-backend=ram,aux-ram-share=on\n"
"  -device '{\"driver\":\"vfio-user-pci\",\"rombar\":0,\n"
"            \"socket\":{\"type\":\"unix\",\"path\":\"SOCKET\"}}'\n"
"It ends when QEMU does, with a summary on the log, which SIGUSR1 prints at any time.\n"
"Without aux-ram-share=on a display's memory is written by message, which the\n"
"guest can't order against its register reads; an I/O MMU has to stop it then.\n"
"\n"
"  --signal auto|50|60|none   what the camera sends (default: what the decoder is\n"
"                      set to)\n"
"  --still             a picture in which nothing moves\n"
"  --video FILE        play raw YUYV frames instead of the test picture\n"
"  --size WxH          size of the frames in FILE\n"
"  --fps N             frames a second (default: 25 or 29.97)\n"
"  --fast              as fast as it goes\n"
"  --patient           wait at the end of a frame until the guest has noticed the last one:\n"
"                      two ends that it takes for one cost the driver a buffer for good\n"
"  --no-stop           defect: go on for a field after the driver stopped the chip\n"
"  --log FILE          instead of stderr\n"
"  --log-max N         errors to tell one by one (default 20)\n"
"\n"
"Exit status: 0, also if there were errors (they are in the summary); 1 if it could\n"
"not start or the connection broke down, 2 for a wrong option.\n";

static volatile sig_atomic_t want_summary;
static volatile sig_atomic_t want_end;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		want_summary = 1;
	else
		want_end = 1;
}

static int bad_usage(void)
{
	fputs(usage, stderr);
	return 2;
}

static int parse_signal(const char *text, enum chip_signal *signal)
{
	static const char *const names[] = {
		[CHIP_SIGNAL_AUTO] = "auto",
		[CHIP_SIGNAL_525_60] = "60",
		[CHIP_SIGNAL_625_50] = "50",
		[CHIP_SIGNAL_NONE] = "none",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcmp(text, names[i])) {
			*signal = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int run(struct vu *vu, struct chip *chip)
{
	int ret = 0;

	while (!ret && !want_end) {
		int64_t wait = chip_run(chip);

		if (wait && wait < NAP_NS)
			wait = NAP_NS;
		/* a signal may have come just before */
		if (wait > LONG_NAP_NS)
			wait = LONG_NAP_NS;
		ret = vu_serve(vu, wait);
		if (want_summary) {
			want_summary = 0;
			chip_summary(chip);
		}
	}
	return ret == -ENOTCONN ? 0 : ret;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "signal", required_argument, NULL, 's' },
		{ "still", no_argument, NULL, 'S' },
		{ "video", required_argument, NULL, 'v' },
		{ "size", required_argument, NULL, 'z' },
		{ "fps", required_argument, NULL, 'f' },
		{ "fast", no_argument, NULL, 'F' },
		{ "patient", no_argument, NULL, 'p' },
		{ "no-stop", no_argument, NULL, 'n' },
		{ "log", required_argument, NULL, 'l' },
		{ "log-max", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	/* no SA_RESTART: poll() shall notice */
	struct sigaction action = { .sa_handler = on_signal };
	static struct picture picture;
	static struct chip chip = { .options.log_max = 20, .picture = &picture };
	static struct vu vu = { .id = &chip_id, .ops = &chip_ops };
	unsigned int width = 0, height = 0;
	const char *video = NULL;
	FILE *log = stderr;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (opt) {
		case 's':
			if (parse_signal(optarg, &chip.options.signal))
				return bad_usage();
			break;
		case 'S':
			picture.still = true;
			break;
		case 'v':
			video = optarg;
			break;
		case 'z':
			if (sscanf(optarg, "%ux%u", &width, &height) != 2)
				return bad_usage();
			break;
		case 'f':
			chip.options.fps = strtoul(optarg, NULL, 10);
			if (!chip.options.fps || chip.options.fps > 1000)
				return bad_usage();
			break;
		case 'F':
			chip.options.fast = true;
			break;
		case 'p':
			chip.options.patient = true;
			break;
		case 'n':
			chip.options.no_stop = true;
			break;
		case 'l':
			log = fopen(optarg, "a");
			if (!log) {
				perror(optarg);
				return 1;
			}
			break;
		case 'm':
			chip.options.log_max = strtoul(optarg, NULL, 10);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return bad_usage();
		}
	}
	if (optind != argc - 1)
		return bad_usage();
	setvbuf(log, NULL, _IOLBF, 0);
	if (video) {
		ret = picture_open_video(&picture, video, width, height);
		if (ret) {
			fprintf(stderr, "%s: %s\n", video, strerror(-ret));
			return 1;
		}
	}

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	chip.options.log = log;
	chip.vu = &vu;
	vu.device = &chip;
	vu.log = log;
	ret = vu_open(&vu, argv[optind]);
	if (ret) {
		fprintf(stderr, "%s: %s\n", argv[optind], strerror(-ret));
		return 1;
	}
	ret = run(&vu, &chip);
	chip_summary(&chip);
	vu_close(&vu);
	return ret ? 1 : 0;
}

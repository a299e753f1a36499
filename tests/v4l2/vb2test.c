// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the USERPTR tests share
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/fb.h>
#include <linux/pci_regs.h>
#include <linux/udmabuf.h>
#include <linux/vfio.h>

#include "vb2_pfn_target.h"
#include "vb2test.h"

#define PAGE		4096UL
#define HUGE_SIZE	(2UL << 20)
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static int vt_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/*
 * The machine
 */

int vt_read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int vt_write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static long vmstat(const char *name)
{
	char key[64];
	long value;
	FILE *f = fopen("/proc/vmstat", "r");

	if (!f)
		return -1;
	while (fscanf(f, "%63s %ld", key, &value) == 2) {
		if (!strcmp(key, name)) {
			fclose(f);
			return value;
		}
	}
	fclose(f);
	return -1;
}

/*
 * Pages that are pinned, in the whole system. Each CPU counts for itself;
 * stat_refresh has the counters added up.
 */
long vt_still_pinned(void)
{
	int ret = vt_write_file("/proc/sys/vm", "stat_refresh", "1");

	if (ret)
		return ret;
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

/* Lines of /proc/vmallocinfo that are vb2's or its user's */
int vt_kernel_mappings(void)
{
	FILE *f = fopen("/proc/vmallocinfo", "r");
	char line[512];
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "vb2_") || strstr(line, "vmap_phys_ranges");
	fclose(f);
	return n;
}

int vt_make_private(unsigned char *frame, size_t size)
{
	unsigned char *page = frame + size / 4 / PAGE * PAGE;

	return mmap(page, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page ? 0 : -errno;
}

/* A process that is killed stops there for its tracer, and has its memory still. */
static int kill_before_exit(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) ||
	    kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return -errno;
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8) ? 0 : -ESRCH;
}

int vt_reap(pid_t pid, unsigned int pause_us)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int ret, told = 0;

	if (pidfd < 0)
		return -errno;
	ret = kill_before_exit(pid);
	while (!ret && syscall(SYS_process_mrelease, pidfd, 0)) {
		ret = errno == EAGAIN && ++told < 1000 ? 0 : -errno;
		usleep(pause_us);
	}
	close(pidfd);
	return ret ? ret : told;
}

int vt_bury(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		return -errno;
	return 0;
}

/*
 * The number of faults that an I/O MMU has reported since the last call, and when the
 * last one was logged, by the kernel's clock in microseconds. A negative errno if the
 * log can't be read.
 */
long vt_iommu_faults(unsigned long long *last_us)
{
	/* what the drivers of VT-d, AMD-Vi, virtio-iommu and SMMUv3 call it */
	static const char *const texts[] = {
		"DMAR: [DMA", "IO_PAGE_FAULT", "fault from EP", "event: F_",
	};
	static int log = -1;
	unsigned long long when;
	char line[1024];
	long faults = 0;
	ssize_t n;
	size_t i;

	if (log < 0) {
		log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (log < 0 || lseek(log, 0, SEEK_END))
			return -errno;
	}
	/* EPIPE: what was not read in time is gone */
	while ((n = read(log, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		if (n < 0)
			continue;
		line[n] = '\0';
		for (i = 0; i < ARRAY_LEN(texts) && !strstr(line, texts[i]); i++)
			;
		if (i == ARRAY_LEN(texts))
			continue;
		faults++;
		if (last_us)
			*last_us = sscanf(line, "%*u,%*u,%llu", &when) == 1 ? when : 0;
	}
	return errno == EAGAIN ? faults : -errno;
}

/* DMA mappings of the device, or a negative errno: DMA_API_DEBUG knows them. */
long vt_dma_mappings(const char *device)
{
	FILE *f = fopen("/sys/kernel/debug/dma-api/dump", "r");
	char line[256];
	long n = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, device);
	fclose(f);
	return n;
}

/*
 * Nothing fails that @function or @other allocates, of one file: the smallest range that
 * has both. There can be one only.
 */
static int spare(const char *function, const char *other)
{
	static const char * const dirs[] = {
		"/sys/kernel/debug/failslab", "/sys/kernel/debug/fail_page_alloc",
	};
	unsigned long address, start = ~0UL, end = 0;
	char line[256], name[128], text[24];
	bool within = false;
	unsigned int i;
	FILE *f = fopen("/proc/kallsyms", "r");
	int ret = 0;

	if (!f)
		return -errno;
	/* they are sorted, but for those of modules, which come last */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) != 2)
			continue;
		if (within)
			end = address;
		within = !strcmp(name, function) || !strcmp(name, other);
		if (within && address < start)
			start = address;
	}
	fclose(f);
	if (!end)
		return -ESRCH;

	for (i = 0; i < ARRAY_LEN(dirs) && !ret; i++) {
		snprintf(text, sizeof(text), "%#lx", start);
		ret = vt_write_file(dirs[i], "reject-start", text);
		if (ret)
			break;
		snprintf(text, sizeof(text), "%#lx", end);
		ret = vt_write_file(dirs[i], "reject-end", text);
	}
	return ret;
}

/*
 * What vt_fail_nth() can make fail: all but what DMA_API_DEBUG allocates for itself, which
 * switches itself off then.
 */
int vt_allow_failing(void)
{
	static const struct {
		const char *dir;
		const char *name;
		const char *text;
	} settings[] = {
		/* also allocations that may wait, of any size; one line for each */
		{ "failslab", "ignore-gfp-wait", "N" },
		{ "failslab", "verbose", "0" },
		{ "fail_page_alloc", "ignore-gfp-wait", "N" },
		{ "fail_page_alloc", "ignore-gfp-highmem", "N" },
		{ "fail_page_alloc", "min-order", "0" },
		{ "fail_page_alloc", "verbose", "0" },
		{ "fail_usercopy", "verbose", "0" },
	};
	char dir[64];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_LEN(settings); i++) {
		snprintf(dir, sizeof(dir), "/sys/kernel/debug/%s", settings[i].dir);
		ret = vt_write_file(dir, settings[i].name, settings[i].text);
		if (ret)
			return ret;
	}
	return spare("dma_entry_alloc", "add_dma_entry");
}

/* The nth thing that can fail from now on does; 0: nothing. */
int vt_fail_nth(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, length, 0) == length ? 0 : -errno;
}

/* Has it failed? Nothing does any more. */
bool vt_has_failed(int fd)
{
	char text[16] = {};
	/* the copy of this text is the next thing that can fail */
	bool failed = pread(fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	if (vt_fail_nth(fd, 0))
		vt_fail_nth(fd, 0);
	return failed;
}

const char *vt_kernel_lacks(enum vt_feature feature)
{
	static const struct {
		/* the packaged kernel that lacks it, NULL for all of them */
		const char *kernel;
		const char *why;
	} lacks[] = {
		[VT_MIXED_VADDR] = {
			NULL, "a packaged kernel has no kernel address for two memories at once"
		},
		[VT_SCRATCH_PAGE] = { NULL, "a packaged kernel has no scratch page" },
		[VT_IOMMU] = {
			"6.12", "Linux 6.12 has nothing that takes memory away in an I/O MMU"
		},
		[VT_PEERS] = {
			"6.12", "Linux 6.12 does not know which peers are reached: EREMOTEIO"
		},
		[VT_FORK_COPIED] = {
			"6.12",
			"Linux 6.12 can't fork() with a private raw mapping that was copied: ENOMEM"
		},
		[VT_DUMB_TAKEN] = {
			/* ttm_bo_vm_dummy_page(), and bochs-drm is the only such driver */
			"6.12",
			"Linux 6.12 puts one page in the place of all that a dumb buffer had"
		},
	};
	const char *stock = getenv("VT_STOCK");

	if (!stock || (lacks[feature].kernel && strcmp(lacks[feature].kernel, stock)))
		return NULL;
	return lacks[feature].why;
}

/*
 * The nth PCI device whose modalias matches that is bound to @driver, NULL meaning to
 * none: its sysfs directory.
 */
int vt_find_pci(const char *modalias, const char *driver, unsigned int nth, char *dir,
		size_t size)
{
	char path[256], text[256];
	int ret = -ENODEV;
	glob_t g;
	size_t i;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &g))
		return -ENODEV;
	for (i = 0; i < g.gl_pathc && ret; i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/modalias", g.gl_pathv[i]);
		if (vt_read_file(path, text, sizeof(text)) || fnmatch(modalias, text, 0))
			continue;
		snprintf(path, sizeof(path), "%s/driver", g.gl_pathv[i]);
		n = readlink(path, text, sizeof(text) - 1);
		if (n >= 0)
			text[n] = '\0';
		if (driver ? n < 0 || strcmp(strrchr(text, '/') + 1, driver) :
			     n >= 0)
			continue;
		if (nth--)
			continue;
		snprintf(dir, size, "%s", g.gl_pathv[i]);
		ret = 0;
	}
	globfree(&g);
	return ret;
}

int vt_find_display(const char *driver, unsigned int nth, char *dir, size_t size)
{
	/* bochs-display; QEMU's VGA is another class of the same device */
	return vt_find_pci("pci:v00001234d00001111*bc03sc80*", driver, nth, dir, size);
}

/*
 * Is the PCI device at that place? The numbers of buses depend on what else is
 * there, so a place is the devices and functions that lead to it from the root
 * bus: "14.0/00.0/01.0/00.0".
 */
bool vt_is_at(const char *dir, const char *place)
{
	char *real = realpath(dir, NULL), *name, *rest, have[128] = "";
	const size_t bus = strlen("0000:00:");
	size_t len = 0;

	if (!real)
		return false;
	/* /sys/devices/pci0000:00/0000:00:14.0/... */
	name = strstr(real, "/pci");
	if (name)
		strtok_r(name, "/", &rest);
	while (name && (name = strtok_r(NULL, "/", &rest)))
		if (strlen(name) > bus && len < sizeof(have))
			len += snprintf(have + len, sizeof(have) - len, "%s%s",
					len ? "/" : "", name + bus);
	free(real);
	return !strcmp(have, place);
}

static int bar_address(const char *dir, uint64_t *phys)
{
	char path[256], text[256];
	int ret;

	snprintf(path, sizeof(path), "%s/resource", dir);
	ret = vt_read_file(path, text, sizeof(text));
	if (ret)
		return ret;
	return sscanf(text, "%" SCNx64, phys) == 1 && *phys ? 0 : -ENODEV;
}

/*
 * The way to the display @dir: the word behind its place. NULL if the table does
 * not have it.
 */
static const char *way_to(const char *dir)
{
	static char ways[1024];
	char *entry, *way, *rest;

	snprintf(ways, sizeof(ways), "%s", getenv("VT_WAYS") ?: "");
	for (entry = strtok_r(ways, " ", &rest); entry;
	     entry = strtok_r(NULL, " ", &rest)) {
		way = strchr(entry, '=');
		if (!way)
			return NULL;
		*way++ = '\0';
		if (vt_is_at(dir, entry))
			return way;
	}
	return NULL;
}

/* Switch the memory of the display @dir on, and say where it is. */
int vt_enable_bar(const char *dir, uint64_t *phys)
{
	int ret = vt_write_file(dir, "enable", "1");

	return ret ? ret : bar_address(dir, phys);
}

int vt_bar_map(struct vt_bar *bar, unsigned int nth, size_t size)
{
	char path[192];
	uint64_t phys;
	int fd, ret;

	if (vt_find_display(NULL, nth, bar->dir, sizeof(bar->dir)))
		return -ENODEV;
	bar->way = way_to(bar->dir);
	if (!bar->way)
		return -EINVAL;
	ret = vt_enable_bar(bar->dir, &phys);
	if (ret)
		return ret;
	bar->phys = phys;

	snprintf(path, sizeof(path), "%s/resource0", bar->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	bar->size = size;
	bar->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return bar->map == MAP_FAILED ? -errno : 0;
}

void vt_bar_unmap(struct vt_bar *bar)
{
	munmap(bar->map, bar->size);
	vt_write_file(bar->dir, "enable", "0");
}

/* Returns the descriptor of the framebuffer with that name, or a negative errno. */
int vt_open_fb(const char *id, struct fb_fix_screeninfo *fix)
{
	int fd, ret = -ENODEV;
	glob_t g;
	size_t i;

	if (glob("/dev/fb*", 0, NULL, &g))
		return -ENODEV;
	for (i = 0; i < g.gl_pathc && ret < 0; i++) {
		fd = open(g.gl_pathv[i], O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!vt_ioctl(fd, FBIOGET_FSCREENINFO, fix) &&
		    !strncmp(fix->id, id, sizeof(fix->id)))
			ret = fd;
		else
			close(fd);
	}
	globfree(&g);
	return ret;
}

/* VT_HIDDEN=ADDRESS,SIZE: the RAM that mem= keeps from the kernel */
static int hidden_address(size_t size, uint64_t *phys)
{
	const char *env = getenv("VT_HIDDEN");
	uint64_t have;

	if (!env || sscanf(env, "%" SCNi64 ",%" SCNi64, phys, &have) != 2)
		return -ENODEV;
	return have < size ? -ENODEV : 0;
}

/*
 * Video nodes
 */

/* Returns the descriptor, or a negative errno. NULL for @bus_info is any. */
int vt_open_node(const char *driver, const char *bus_info, __u32 caps)
{
	int fd, ret = -ENODEV;
	glob_t g;
	size_t i;

	if (glob("/dev/video*", 0, NULL, &g))
		return -ENODEV;
	for (i = 0; i < g.gl_pathc && ret < 0; i++) {
		struct v4l2_capability cap;

		fd = open(g.gl_pathv[i], O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!vt_ioctl(fd, VIDIOC_QUERYCAP, &cap) &&
		    !strcmp((char *)cap.driver, driver) &&
		    (!bus_info || !strcmp((char *)cap.bus_info, bus_info)) &&
		    (cap.device_caps & caps))
			ret = fd;
		else
			close(fd);
	}
	globfree(&g);
	return ret;
}

static int find_ctrl(int fd, const char *name, __u32 *id)
{
	struct v4l2_query_ext_ctrl q = {
		.id = V4L2_CTRL_FLAG_NEXT_CTRL,
	};
	int ret;

	while (!(ret = vt_ioctl(fd, VIDIOC_QUERY_EXT_CTRL, &q))) {
		*id = q.id;
		if (!strcmp(q.name, name))
			return 0;
		q.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	return ret;
}

int vt_set_ctrl(int fd, const char *name, __s32 value)
{
	struct v4l2_control c = { .value = value };
	int ret = find_ctrl(fd, name, &c.id);

	return ret ?: vt_ioctl(fd, VIDIOC_S_CTRL, &c);
}

/* A picture in which no two pages are alike, and no two frames differ. */
static int static_picture(int fd)
{
	static const struct {
		const char *name;
		__s32 value;
	} ctrls[] = {
		{ "OSD Text Mode", 2 },		/* none */
		{ "Test Pattern", 4 },		/* 100% colour squares */
		{ "Show Border", 1 },
		{ "Show Square", 1 },
	};
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_LEN(ctrls); i++) {
		ret = vt_set_ctrl(fd, ctrls[i].name, ctrls[i].value);
		if (ret)
			return ret;
	}
	return 0;
}

static int set_format(struct vt_node *node, unsigned int width,
		      unsigned int height, __u32 fourcc)
{
	struct v4l2_format f = { .type = node->type };
	unsigned int i;
	int ret;

	if (node->mplane) {
		f.fmt.pix_mp.width = width;
		f.fmt.pix_mp.height = height;
		f.fmt.pix_mp.pixelformat = fourcc;
	} else {
		f.fmt.pix.width = width;
		f.fmt.pix.height = height;
		f.fmt.pix.pixelformat = fourcc;
	}
	ret = vt_ioctl(node->fd, VIDIOC_S_FMT, &f);
	if (ret)
		return ret;

	if (node->mplane) {
		node->num_planes = f.fmt.pix_mp.num_planes;
		if (node->num_planes > VT_PLANES)
			return -EINVAL;
		for (i = 0; i < node->num_planes; i++)
			node->size[i] = f.fmt.pix_mp.plane_fmt[i].sizeimage;
		return f.fmt.pix_mp.width == width &&
		       f.fmt.pix_mp.height == height &&
		       f.fmt.pix_mp.pixelformat == fourcc ? 0 : -EINVAL;
	}
	node->num_planes = 1;
	node->size[0] = f.fmt.pix.sizeimage;
	return f.fmt.pix.width == width && f.fmt.pix.height == height &&
	       f.fmt.pix.pixelformat == fourcc ? 0 : -EINVAL;
}

/*
 * The rate that comes closest, or is the highest there is. Television has that of
 * its standard.
 */
static int set_rate(struct vt_node *node, unsigned int fps)
{
	struct v4l2_streamparm parm = { .type = node->type };
	struct v4l2_fract *interval = &parm.parm.capture.timeperframe;
	v4l2_std_id std;
	int ret;

	if (!vt_ioctl(node->fd, VIDIOC_G_STD, &std)) {
		node->frame_us = std & V4L2_STD_525_60 ? 33367 : 40000;
		return 0;
	}

	interval->numerator = 1;
	interval->denominator = fps;
	ret = vt_ioctl(node->fd, VIDIOC_S_PARM, &parm);
	if (ret)
		return ret;
	node->frame_us = 1000000ULL * interval->numerator /
			 interval->denominator;
	return 0;
}

/*
 * vivid's webcam with a static picture, at 60 frames a second, or the highest rate
 * of its size: an instance is single- or multi-planar as it was loaded.
 */
int vt_open_vivid(struct vt_node *node, unsigned int instance,
		  unsigned int width, unsigned int height, __u32 fourcc)
{
	char bus_info[32];
	int ret, input = 0;

	memset(node, 0, sizeof(*node));
	node->timeout_ms = 5000;
	snprintf(bus_info, sizeof(bus_info), "platform:vivid-%03u", instance);
	node->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	node->fd = vt_open_node("vivid", bus_info, V4L2_CAP_VIDEO_CAPTURE);
	if (node->fd == -ENODEV) {
		node->mplane = true;
		node->type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
		node->fd = vt_open_node("vivid", bus_info,
					V4L2_CAP_VIDEO_CAPTURE_MPLANE);
	}
	if (node->fd < 0)
		return node->fd;

	ret = vt_ioctl(node->fd, VIDIOC_S_INPUT, &input);
	if (!ret)
		ret = static_picture(node->fd);
	if (!ret)
		ret = set_format(node, width, height, fourcc);
	if (!ret)
		ret = set_rate(node, 60);
	if (ret)
		close(node->fd);
	return ret;
}

/* The first capture node of a driver that has the single-planar API only. */
int vt_open_capture(struct vt_node *node, const char *driver,
		    unsigned int width, unsigned int height, __u32 fourcc,
		    unsigned int fps)
{
	int ret;

	memset(node, 0, sizeof(*node));
	node->timeout_ms = 5000;
	node->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	node->fd = vt_open_node(driver, NULL, V4L2_CAP_VIDEO_CAPTURE);
	if (node->fd < 0)
		return node->fd;

	ret = set_format(node, width, height, fourcc);
	if (!ret)
		ret = set_rate(node, fps);
	if (ret)
		close(node->fd);
	return ret;
}

/*
 * The camera that the tests are run with, its picture a static one: vivid's first
 * instance or, if VT_CAMERA names another driver, its first node. USB cameras have
 * YUYV.
 */
int vt_open_camera(struct vt_node *node, unsigned int width,
		   unsigned int height)
{
	const char *driver = getenv("VT_CAMERA");

	if (!driver)
		return vt_open_vivid(node, 0, width, height,
				     V4L2_PIX_FMT_RGB24);
	return vt_open_capture(node, driver, width, height,
			       strcmp(driver, "uvcvideo") ?
			       V4L2_PIX_FMT_RGB24 : V4L2_PIX_FMT_YUYV, 60);
}

bool vt_camera_uses_dma(void)
{
	const char *driver = getenv("VT_CAMERA");

	return driver && strcmp(driver, "uvcvideo");
}

/* A node of the single-planar API, with the format that it has. */
static int open_as_it_is(struct vt_node *node, const char *driver,
			 const char *bus_info, __u32 type, __u32 caps)
{
	struct v4l2_format f = { .type = type };
	int ret;

	memset(node, 0, sizeof(*node));
	node->timeout_ms = 5000;
	node->type = type;
	node->num_planes = 1;
	node->fd = vt_open_node(driver, bus_info, caps);
	if (node->fd < 0)
		return node->fd;
	ret = vt_ioctl(node->fd, VIDIOC_G_FMT, &f);
	if (ret)
		close(node->fd);
	node->size[0] = f.fmt.pix.sizeimage;
	return ret;
}

/* vivid's first output; of a single-planar instance. */
int vt_open_output(struct vt_node *node, unsigned int instance)
{
	char bus_info[32];
	int ret, output = 0;

	snprintf(bus_info, sizeof(bus_info), "platform:vivid-%03u", instance);
	ret = open_as_it_is(node, "vivid", bus_info, V4L2_BUF_TYPE_VIDEO_OUTPUT,
			    V4L2_CAP_VIDEO_OUTPUT);
	if (ret)
		return ret;
	node->output = true;
	node->frame_us = 40000;
	ret = vt_ioctl(node->fd, VIDIOC_S_OUTPUT, &output);
	if (ret)
		close(node->fd);
	return ret;
}

/*
 * Connect the HDMI input with the first output. vivid updates what may be chosen in a
 * work of its own, which takes the new choice back if it comes before the control's value
 * is stored: a mistake of mainline's.
 */
static int connect_loop(int fd)
{
	/* the menu begins with two that are no output */
	const __s32 first_output = 2;
	struct v4l2_control c = {};
	int ret = find_ctrl(fd, "HDMI 000-0 Is Connected To", &c.id);
	unsigned int i;

	for (i = 0; i < 10 && !ret; i++) {
		c.value = first_output;
		ret = vt_ioctl(fd, VIDIOC_S_CTRL, &c);
		usleep(20000);
		if (!ret)
			ret = vt_ioctl(fd, VIDIOC_G_CTRL, &c);
		if (c.value == first_output)
			return ret;
	}
	return ret ?: -EAGAIN;
}

/*
 * vivid's first instance with its HDMI output connected to its HDMI input: while the
 * output streams the camera has the picture that is shown there, byte by byte.
 */
int vt_open_loop(struct vt_node *camera, struct vt_node *output)
{
	int ret, hdmi_input = 3, hdmi_output = 1;

	ret = vt_open_output(output, 0);
	if (ret)
		return ret;
	ret = vt_open_vivid(camera, 0, 640, 480, V4L2_PIX_FMT_RGB24);
	if (ret)
		goto err_close_output;

	ret = vt_ioctl(camera->fd, VIDIOC_S_INPUT, &hdmi_input);
	if (!ret)
		ret = vt_ioctl(output->fd, VIDIOC_S_OUTPUT, &hdmi_output);
	if (!ret)
		ret = connect_loop(camera->fd);
	/* both have these timings unless they are told otherwise */
	if (!ret)
		ret = set_format(camera, 1280, 720, V4L2_PIX_FMT_RGB24);
	if (!ret)
		ret = set_format(output, 1280, 720, V4L2_PIX_FMT_RGB24);
	if (ret)
		goto err_close_camera;
	camera->frame_us = 1000000 / 60;
	output->frame_us = camera->frame_us;
	return 0;

err_close_camera:
	close(camera->fd);
err_close_output:
	close(output->fd);
	return ret;
}

/* One of the nodes of the test module vb2_pfn_dev. */
int vt_open_dev(struct vt_node *node, const char *kind)
{
	char bus_info[32];

	snprintf(bus_info, sizeof(bus_info), "platform:%s", kind);
	return open_as_it_is(node, "vb2_pfn_dev", bus_info,
			     V4L2_BUF_TYPE_VIDEO_CAPTURE,
			     V4L2_CAP_VIDEO_CAPTURE);
}

/* One of the nodes of the test module vb2_bench, which answer at once. */
int vt_open_bench(struct vt_node *node, const char *allocator,
		  unsigned int width, unsigned int height, __u32 fourcc)
{
	char bus_info[32];
	int ret;

	snprintf(bus_info, sizeof(bus_info), "platform:%s", allocator);
	ret = open_as_it_is(node, "vb2_bench", bus_info,
			    V4L2_BUF_TYPE_VIDEO_CAPTURE,
			    V4L2_CAP_VIDEO_CAPTURE);
	if (ret)
		return ret;
	node->timeout_ms = 0;
	ret = set_format(node, width, height, fourcc);
	if (ret)
		close(node->fd);
	return ret;
}

void vt_close(struct vt_node *node)
{
	if (node->fd >= 0)
		close(node->fd);
	node->fd = -1;
}

size_t vt_frame_size(const struct vt_node *node)
{
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < node->num_planes; i++)
		size += node->size[i];
	return size;
}

/* As many buffers as asked for, or an error. */
int vt_reqbufs(const struct vt_node *node, __u32 memory, unsigned int count)
{
	struct v4l2_requestbuffers r = {
		.type = node->type,
		.memory = memory,
		.count = count,
	};
	int ret = vt_ioctl(node->fd, VIDIOC_REQBUFS, &r);

	if (ret)
		return ret;
	return r.count == count ? 0 : -ENOBUFS;
}

/* @request is VIDIOC_QBUF or VIDIOC_PREPARE_BUF. */
static int qbuf(const struct vt_node *node, unsigned long request,
		unsigned int index, __u32 memory, void *const addr[],
		const size_t length[])
{
	struct v4l2_plane planes[VT_PLANES] = {};
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = memory,
		.index = index,
	};
	unsigned int i;

	if (node->mplane) {
		b.m.planes = planes;
		b.length = node->num_planes;
		for (i = 0; addr && i < node->num_planes; i++) {
			planes[i].m.userptr = (unsigned long)addr[i];
			planes[i].length = length[i];
			planes[i].bytesused = length[i];
		}
	} else if (addr) {
		b.m.userptr = (unsigned long)addr[0];
		b.length = length[0];
		b.bytesused = length[0];
	}
	return vt_ioctl(node->fd, request, &b);
}

int vt_qbuf_planes(const struct vt_node *node, unsigned int index,
		   void *const addr[], const size_t length[])
{
	return qbuf(node, VIDIOC_QBUF, index, V4L2_MEMORY_USERPTR, addr, length);
}

/* All planes one behind the other. */
static int qbuf_at(const struct vt_node *node, unsigned long request,
		   unsigned int index, void *addr)
{
	void *planes[VT_PLANES] = { addr };
	unsigned int i;

	for (i = 1; i < node->num_planes; i++)
		planes[i] = (char *)planes[i - 1] + node->size[i - 1];
	return qbuf(node, request, index, V4L2_MEMORY_USERPTR, planes, node->size);
}

int vt_qbuf(const struct vt_node *node, unsigned int index, void *addr)
{
	return qbuf_at(node, VIDIOC_QBUF, index, addr);
}

int vt_qbuf_slots(const struct vt_node *node, const struct vt_target *target,
		  unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = vt_qbuf(node, i, target->map + i * target->slot);
	return ret;
}

int vt_prepare(const struct vt_node *node, unsigned int index, void *addr)
{
	return qbuf_at(node, VIDIOC_PREPARE_BUF, index, addr);
}

int vt_qbuf_dmabuf(const struct vt_node *node, unsigned int index, int fd)
{
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = V4L2_MEMORY_DMABUF,
		.index = index,
		.m.fd = fd,
	};

	return node->mplane ? -EINVAL : vt_ioctl(node->fd, VIDIOC_QBUF, &b);
}

/*
 * A dma-buf of shared memory, or a negative errno; @scattered: no two pages of it are
 * neighbours, whether the memory goes up or down.
 */
int vt_udmabuf(size_t size, bool scattered)
{
	unsigned int i, n = scattered ? size / PAGE : 1;
	struct udmabuf_create_list *list;
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memory = memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int fd = -ENODEV;

	list = calloc(1, sizeof(*list) + n * sizeof(list->list[0]));
	if (dev < 0 || memory < 0 || !list || ftruncate(memory, size) ||
	    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK))
		goto out;
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = n;
	for (i = 0; i < n; i++) {
		/* even pages, then odd ones */
		unsigned int from = 2 * i < n ? 2 * i : 2 * (i - (n + 1) / 2) + 1;

		list->list[i].memfd = memory;
		list->list[i].offset = from * PAGE;
		list->list[i].size = scattered ? PAGE : size;
	}
	fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	if (fd < 0)
		fd = -errno;
out:
	free(list);
	close(memory);
	close(dev);
	return fd;
}

int vt_export(const struct vt_node *node, unsigned int index)
{
	struct v4l2_exportbuffer e = {
		.type = node->type,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};
	int ret = vt_ioctl(node->fd, VIDIOC_EXPBUF, &e);

	return ret ? ret : e.fd;
}

int vt_qbuf_mmap(const struct vt_node *node, unsigned int index)
{
	return qbuf(node, VIDIOC_QBUF, index, V4L2_MEMORY_MMAP, NULL, NULL);
}

/*
 * Returns the index of the buffer, or a negative errno: -ETIMEDOUT if nothing
 * comes in time.
 */
static int dqbuf(const struct vt_node *node, __u32 memory, __u32 *flags,
		 __u32 *sequence)
{
	struct v4l2_plane planes[VT_PLANES] = {};
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = memory,
	};
	struct pollfd p = {
		.fd = node->fd,
		.events = node->output ? POLLOUT : POLLIN,
	};
	int ret;

	if (node->mplane) {
		b.m.planes = planes;
		b.length = VT_PLANES;
	}
	/* poll() on a queue without buffers would start vb2's read() emulation */
	if (node->timeout_ms) {
		ret = poll(&p, 1, node->timeout_ms);
		if (ret < 0)
			return -errno;
		if (!ret)
			return -ETIMEDOUT;
	}
	ret = vt_ioctl(node->fd, VIDIOC_DQBUF, &b);
	if (ret)
		return ret;
	if (flags)
		*flags = b.flags;
	if (sequence)
		*sequence = b.sequence;
	return b.index;
}

int vt_dqbuf(const struct vt_node *node, __u32 *flags)
{
	return vt_dqbuf_sequence(node, flags, NULL);
}

int vt_dqbuf_sequence(const struct vt_node *node, __u32 *flags,
		      __u32 *sequence)
{
	return dqbuf(node, V4L2_MEMORY_USERPTR, flags, sequence);
}

int vt_dqbuf_dmabuf(const struct vt_node *node, __u32 *flags,
		    __u32 *sequence)
{
	return dqbuf(node, V4L2_MEMORY_DMABUF, flags, sequence);
}

int vt_buffer_flags(const struct vt_node *node, unsigned int index,
		    __u32 memory, __u32 *flags)
{
	struct v4l2_plane planes[VT_PLANES] = {};
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = memory,
		.index = index,
	};
	int ret;

	if (node->mplane) {
		b.m.planes = planes;
		b.length = VT_PLANES;
	}
	ret = vt_ioctl(node->fd, VIDIOC_QUERYBUF, &b);
	*flags = b.flags;
	return ret;
}

/* Wait until the driver is done with a buffer, without dequeueing it. */
int vt_wait_done(const struct vt_node *node, unsigned int index)
{
	unsigned int tries;
	__u32 flags;

	for (tries = 0; tries < 500; tries++) {
		int ret = vt_buffer_flags(node, index, V4L2_MEMORY_USERPTR,
					  &flags);

		if (ret)
			return ret;
		if (flags & V4L2_BUF_FLAG_DONE)
			return 0;
		usleep(10000);
	}
	return -ETIMEDOUT;
}

int vt_streamon(const struct vt_node *node)
{
	__u32 type = node->type;

	return vt_ioctl(node->fd, VIDIOC_STREAMON, &type);
}

int vt_streamoff(const struct vt_node *node)
{
	__u32 type = node->type;

	return vt_ioctl(node->fd, VIDIOC_STREAMOFF, &type);
}

static void *mmap_plane(const struct vt_node *node, unsigned int index,
			unsigned int plane)
{
	struct v4l2_plane planes[VT_PLANES] = {};
	struct v4l2_buffer b = {
		.type = node->type,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};
	void *map;

	if (node->mplane) {
		b.m.planes = planes;
		b.length = VT_PLANES;
	}
	if (vt_ioctl(node->fd, VIDIOC_QUERYBUF, &b))
		return NULL;
	map = mmap(NULL, node->size[plane], PROT_READ | PROT_WRITE, MAP_SHARED,
		   node->fd, node->mplane ? planes[plane].m.mem_offset :
					    b.m.offset);
	return map == MAP_FAILED ? NULL : map;
}

static int copy_buffer(const struct vt_node *node, unsigned int index,
		       unsigned char *frame)
{
	unsigned int i;
	void *map;

	for (i = 0; i < node->num_planes; i++) {
		map = mmap_plane(node, index, i);
		if (!map)
			return -EIO;
		memcpy(frame, map, node->size[i]);
		munmap(map, node->size[i]);
		frame += node->size[i];
	}
	return 0;
}

/*
 * The picture as MMAP captures it, with all planes one behind the other; NULL if
 * that failed or two frames differed. The caller frees it.
 */
unsigned char *vt_reference(const struct vt_node *node)
{
	size_t size = vt_frame_size(node);
	unsigned char *frame = malloc(2 * size);
	unsigned int i;
	bool ok;

	if (!frame)
		return NULL;
	ok = !vt_reqbufs(node, V4L2_MEMORY_MMAP, 3);
	for (i = 0; ok && i < 3; i++)
		ok = !vt_qbuf_mmap(node, i);
	ok = ok && !vt_streamon(node);
	for (i = 0; ok && i < 2; i++) {
		__u32 flags;
		int index = dqbuf(node, V4L2_MEMORY_MMAP, &flags, NULL);

		ok = index >= 0 && !(flags & V4L2_BUF_FLAG_ERROR) &&
		     !copy_buffer(node, index, frame + i * size);
	}
	vt_streamoff(node);
	vt_reqbufs(node, V4L2_MEMORY_MMAP, 0);
	if (!ok || memcmp(frame, frame + size, size)) {
		free(frame);
		return NULL;
	}
	return frame;
}

/* Word n of the video is n times this. */
#define WORD_STEP	0x61c88647U
#define WORD_INVERSE	0xebb34377U	/* WORD_STEP * WORD_INVERSE == 1 */

long vt_numbered_frame(const void *frame, size_t size)
{
	const uint32_t *words = frame;
	uint32_t first = words[0] * WORD_INVERSE;
	uint32_t expected = words[0];
	size_t i;

	if (first % (size / sizeof(*words)))
		return -1;
	for (i = 0; i < size / sizeof(*words); i++, expected += WORD_STEP)
		if (words[i] != expected)
			return -1;
	return first / (size / sizeof(*words));
}

/*
 * Memory
 */

static const char *const kind_names[] = {
	[VT_ANON] = "anonymous",
	[VT_HUGETLB] = "hugetlbfs",
	[VT_TMPFS] = "tmpfs",
	[VT_DAX] = "device-dax",
	[VT_BAR] = "BAR",
	[VT_BAR_WC] = "BAR, write-combining",
	[VT_TWO_BARS] = "two BARs",
	[VT_BAR_THEN_ANON] = "BAR and anonymous",
	[VT_ANON_THEN_BAR] = "anonymous and BAR",
	[VT_BAR_LAZY] = "BAR by page fault",
	[VT_BAR_HUGE] = "BAR in huge entries",
	[VT_VFIO] = "BAR of vfio-pci",
	[VT_HIDDEN] = "hidden RAM",
	[VT_HIDDEN_LAZY] = "hidden RAM by page fault",
	[VT_COHERENT] = "dma_mmap_coherent()",
	[VT_PAGES] = "remap_pfn_range() of RAM",
	[VT_PAGES_LAZY] = "RAM by page fault",
	[VT_PAGES_HUGE] = "RAM in huge entries",
	[VT_DUMB] = "DRM dumb buffer",
	[VT_FB] = "vesafb",
	[VT_FB_RAM] = "vivid's framebuffer",
};

const char *vt_kind_name(enum vt_kind kind)
{
	return kind_names[kind];
}

/* Pages that vb2 pins: a revocation can't take them away. */
bool vt_kind_pinned(enum vt_kind kind)
{
	return kind <= VT_DAX;
}

static bool is_vpt(enum vt_kind kind)
{
	switch (kind) {
	case VT_BAR_LAZY:
	case VT_BAR_HUGE:
	case VT_HIDDEN_LAZY:
	case VT_COHERENT:
	case VT_PAGES:
	case VT_PAGES_LAZY:
	case VT_PAGES_HUGE:
		return true;
	default:
		return false;
	}
}

static bool is_mixed(enum vt_kind kind)
{
	return kind == VT_TWO_BARS || kind == VT_BAR_THEN_ANON ||
	       kind == VT_ANON_THEN_BAR;
}

static bool has_bar(enum vt_kind kind)
{
	switch (kind) {
	case VT_BAR:
	case VT_BAR_WC:
	case VT_BAR_LAZY:
	case VT_BAR_HUGE:
	case VT_VFIO:
	case VT_DUMB:
	case VT_FB:
		return true;
	default:
		return is_mixed(kind);
	}
}

const char *vt_kind_lacks(enum vt_kind kind, bool dma)
{
	if (dma)
		return has_bar(kind) ? vt_kernel_lacks(VT_PEERS) : NULL;
	/* two BARs are of one kind */
	return is_mixed(kind) && kind != VT_TWO_BARS ?
	       vt_kernel_lacks(VT_MIXED_VADDR) : NULL;
}

/* The test module exported it, and can take it back. */
bool vt_kind_exporter(enum vt_kind kind)
{
	return is_vpt(kind);
}

static int missing(struct vt_target *t, const char *what)
{
	snprintf(t->why, sizeof(t->why), "%s: %s", vt_kind_name(t->kind), what);
	return -ENODEV;
}

static int setup_vpt(struct vt_target *t, int *fd, struct vpt_setup *setup)
{
	*fd = open("/dev/vb2_pfn_target", O_RDWR | O_CLOEXEC);
	if (*fd < 0)
		return missing(t, "the module vb2_pfn_target is not loaded");
	return vt_ioctl(*fd, VPT_SETUP, setup);
}

/*
 * A second way to the physical memory that @t is made of. It outlives a device,
 * whose removal takes every mapping of sysfs, /dev/mem and vfio away. All
 * mappings of an address must have the same memory type.
 */
static int open_alias(struct vt_target *t, unsigned int memory, uint64_t phys,
		      enum vpt_cache cache)
{
	struct vpt_setup s = {
		.backing = VPT_PHYS,
		.cache = cache,
		.phys = phys,
		.size = t->size,
	};

	t->memory[memory].phys = phys;
	return setup_vpt(t, &t->memory[memory].alias_fd, &s);
}

/* The nth idle display's BAR. */
static int open_bar(struct vt_target *t, unsigned int memory, unsigned int nth)
{
	char path[192], dir[128];
	uint64_t phys;
	int ret;

	if (vt_find_display(NULL, nth, dir, sizeof(dir)))
		return missing(t, "too few bochs-displays without a driver");
	ret = vt_write_file(dir, "enable", "1");
	if (ret)
		return ret;
	ret = bar_address(dir, &phys);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/resource0%s", dir,
		 t->kind == VT_BAR_WC ? "_wc" : "");
	t->memory[memory].fd = open(path, O_RDWR | O_CLOEXEC);
	if (t->memory[memory].fd < 0)
		return errno == ENOENT ? missing(t, "no resource0_wc") : -errno;
	if (!memory)
		snprintf(t->device, sizeof(t->device), "%s", dir);
	return open_alias(t, memory, phys,
			  t->kind == VT_BAR_WC ? VPT_WC : VPT_UC);
}

static int open_hidden(struct vt_target *t)
{
	uint64_t phys;

	if (hidden_address(t->size, &phys))
		return missing(t, "no VT_HIDDEN=ADDRESS,SIZE, or too small");
	t->memory[0].fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (t->memory[0].fd < 0)
		return missing(t, "no /dev/mem");
	t->memory[0].alias_fd = dup(t->memory[0].fd);
	t->memory[0].phys = phys;
	t->memory[0].base = phys;
	t->memory[0].alias_base = phys;
	return 0;
}

static int open_vpt(struct vt_target *t)
{
	struct vpt_setup s = { .size = t->size };
	bool lazy = false;
	char dir[128];
	int ret;

	switch (t->kind) {
	case VT_BAR_LAZY:
	case VT_BAR_HUGE:
		if (vt_find_display(NULL, 0, dir, sizeof(dir)))
			return missing(t, "no bochs-display without a driver");
		vt_write_file(dir, "enable", "1");
		s.backing = VPT_PHYS;
		s.cache = VPT_WC;
		ret = bar_address(dir, (uint64_t *)&s.phys);
		if (ret)
			return ret;
		lazy = t->kind == VT_BAR_LAZY;
		s.mapping = lazy ? VPT_LAZY : VPT_HUGE;
		break;
	case VT_HIDDEN_LAZY:
		if (hidden_address(t->size, (uint64_t *)&s.phys))
			return missing(t, "no VT_HIDDEN=ADDRESS,SIZE, or too small");
		s.backing = VPT_PHYS;
		s.mapping = VPT_LAZY;
		break;
	case VT_COHERENT:
		s.backing = VPT_COHERENT;
		break;
	default:
		s.backing = VPT_PAGES;
		s.mapping = t->kind == VT_PAGES ? VPT_EAGER :
			    t->kind == VT_PAGES_LAZY ? VPT_LAZY : VPT_HUGE;
	}

	ret = setup_vpt(t, &t->memory[0].fd, &s);
	if (ret || s.backing != VPT_PHYS)
		return ret;
	return open_alias(t, 0, s.phys, s.cache);
}

static int open_dumb(struct vt_target *t)
{
	struct drm_mode_create_dumb create = {
		.width = 1024,
		.height = (t->size + PAGE - 1) / PAGE,
		.bpp = 32,
	};
	struct drm_mode_map_dumb map = {};
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	char pattern[192];
	glob_t g;
	int ret;

	if (vt_find_display("bochs-drm", 0, t->device, sizeof(t->device)))
		return missing(t, "no bochs-display with the driver bochs-drm");
	snprintf(pattern, sizeof(pattern), "%s/drm/card*", t->device);
	if (glob(pattern, 0, NULL, &g))
		return missing(t, "bochs-drm has no card");
	snprintf(pattern, sizeof(pattern), "/dev/dri%s",
		 strrchr(g.gl_pathv[0], '/'));
	globfree(&g);
	t->memory[0].fd = open(pattern, O_RDWR | O_CLOEXEC);
	if (t->memory[0].fd < 0)
		return -errno;

	ret = vt_ioctl(t->memory[0].fd, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	if (ret)
		return ret;
	map.handle = create.handle;
	ret = vt_ioctl(t->memory[0].fd, DRM_IOCTL_MODE_MAP_DUMB, &map);
	if (ret)
		return ret;
	t->memory[0].base = map.offset;

	/* unplugging the device takes the mappings of its file, not these */
	prime.handle = create.handle;
	ret = vt_ioctl(t->memory[0].fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	if (!ret)
		t->memory[0].alias_fd = prime.fd;
	return ret;
}

/* The container and the group of the device. Returns the kind of the container. */
static int open_vfio_group(struct vt_target *t)
{
	char path[256], text[256];
	const char *group;
	bool iommu;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/iommu_group", t->device);
	n = readlink(path, text, sizeof(text) - 1);
	if (n < 0)
		return missing(t, "the device is in no group");
	text[n] = '\0';
	group = strrchr(text, '/') + 1;

	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	iommu = !access(path, F_OK);
	if (!iommu)
		snprintf(path, sizeof(path), "/dev/vfio/noiommu-%s", group);
	t->files[0] = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	t->files[1] = open(path, O_RDWR | O_CLOEXEC);
	if (t->files[0] < 0 || t->files[1] < 0)
		return missing(t, "/dev/vfio can't be opened");
	return iommu ? VFIO_TYPE1v2_IOMMU : VFIO_NOIOMMU_IOMMU;
}

static int open_vfio(struct vt_target *t)
{
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	uint64_t phys;
	int ret, type;

	if (vt_find_display("vfio-pci", 0, t->device, sizeof(t->device)))
		return missing(t, "no bochs-display with the driver vfio-pci");
	ret = bar_address(t->device, &phys);
	if (ret)
		return ret;

	type = open_vfio_group(t);
	if (type < 0)
		return type;
	ret = vt_ioctl(t->files[1], VFIO_GROUP_SET_CONTAINER, &t->files[0]);
	if (ret)
		return ret;
	if (ioctl(t->files[0], VFIO_SET_IOMMU, type))
		return -errno;
	t->memory[0].fd = ioctl(t->files[1], VFIO_GROUP_GET_DEVICE_FD,
				strrchr(t->device, '/') + 1);
	if (t->memory[0].fd < 0)
		return -errno;
	ret = vt_ioctl(t->memory[0].fd, VFIO_DEVICE_GET_REGION_INFO, &region);
	if (ret)
		return ret;
	t->memory[0].base = region.offset;
	return open_alias(t, 0, phys, VPT_UC);
}

static int open_fb(struct vt_target *t, const char *id, enum vpt_cache cache)
{
	struct fb_fix_screeninfo fix;

	t->memory[0].fd = vt_open_fb(id, &fix);
	if (t->memory[0].fd < 0)
		return missing(t, "there is no such framebuffer");
	if (fix.smem_len < t->size)
		return missing(t, "it is too small");
	return open_alias(t, 0, fix.smem_start, cache);
}

static int open_memfd(struct vt_target *t, unsigned int flags)
{
	t->memory[0].fd = memfd_create("vb2test", MFD_CLOEXEC | flags);
	if (t->memory[0].fd < 0)
		return -errno;
	if (ftruncate(t->memory[0].fd, t->size))
		return -errno;
	t->memory[0].alias_fd = dup(t->memory[0].fd);
	return 0;
}

static int open_dax(struct vt_target *t)
{
	glob_t g;

	if (glob("/dev/dax*", 0, NULL, &g))
		return missing(t, "no /dev/dax*");
	t->memory[0].fd = open(g.gl_pathv[0], O_RDWR | O_CLOEXEC);
	globfree(&g);
	if (t->memory[0].fd < 0)
		return -errno;
	t->memory[0].alias_fd = dup(t->memory[0].fd);
	return 0;
}

static int open_memory(struct vt_target *t)
{
	int ret;

	switch (t->kind) {
	case VT_ANON:
		return 0;
	case VT_HUGETLB:
		return open_memfd(t, MFD_HUGETLB);
	case VT_TMPFS:
		return open_memfd(t, 0);
	case VT_DAX:
		return open_dax(t);
	case VT_BAR:
	case VT_BAR_WC:
	case VT_BAR_THEN_ANON:
		return open_bar(t, 0, 0);
	case VT_ANON_THEN_BAR:
		return open_bar(t, 1, 0);
	case VT_TWO_BARS:
		ret = open_bar(t, 0, 0);
		return ret ? ret : open_bar(t, 1, 1);
	case VT_HIDDEN:
		return open_hidden(t);
	case VT_DUMB:
		return open_dumb(t);
	case VT_VFIO:
		return open_vfio(t);
	case VT_FB:
		return open_fb(t, "VESA VGA", VPT_WC);
	case VT_FB_RAM:
		return open_fb(t, "vioverlay fb", VPT_WB);
	default:
		return open_vpt(t);
	}
}

/* Map what is at @offset of the target there, as far as one memory reaches. */
static int map_piece(struct vt_target *t, size_t offset, size_t size,
		     unsigned char *base, bool alias, size_t *mapped)
{
	size_t in_slot = offset % t->slot;
	unsigned int which = in_slot >= t->half;
	size_t end = t->half == t->slot ? t->size :
		     offset - in_slot + (which ? t->slot : t->half);
	int fd = alias ? t->memory[which].alias_fd : t->memory[which].fd;
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	off_t from = offset + (alias ? t->memory[which].alias_base :
				       t->memory[which].base);

	if (size > end - offset)
		size = end - offset;
	*mapped = size;
	if (mmap(base + offset, size, PROT_READ | PROT_WRITE,
		 flags | MAP_FIXED, fd, fd < 0 ? 0 : from) == MAP_FAILED)
		return -errno;
	return 0;
}

static int map_all(struct vt_target *t, size_t offset, size_t size,
		   unsigned char *base, bool alias)
{
	size_t mapped;
	int ret;

	for (; size; offset += mapped, size -= mapped) {
		ret = map_piece(t, offset, size, base, alias, &mapped);
		if (ret)
			return ret;
	}
	return 0;
}

int vt_target_remap(struct vt_target *t, size_t offset, size_t size)
{
	return map_all(t, offset, size, t->map, false);
}

/* Address space that is aligned for huge entries, with nothing mapped. */
static unsigned char *reserve(size_t size)
{
	unsigned char *p = mmap(NULL, size + HUGE_SIZE, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
				0);
	unsigned char *aligned;

	if (p == MAP_FAILED)
		return NULL;
	aligned = (void *)(((uintptr_t)p + HUGE_SIZE - 1) & -HUGE_SIZE);
	if (aligned > p)
		munmap(p, aligned - p);
	munmap(aligned + size, p + HUGE_SIZE - aligned);
	return aligned;
}

static bool has_alias(const struct vt_target *t)
{
	return t->memory[0].alias_fd >= 0 &&
	       (t->half == t->slot || t->memory[1].alias_fd >= 0);
}

static int map_target(struct vt_target *t)
{
	int ret = open_memory(t);

	if (ret)
		return ret;

	t->map = reserve(t->size);
	if (!t->map)
		return -ENOMEM;
	ret = map_all(t, 0, t->size, t->map, false);
	if (ret == -ENOMEM && t->kind == VT_HUGETLB)
		return missing(t, "too few huge pages");
	if (ret || !has_alias(t))
		return ret;

	t->alias = reserve(t->size);
	if (!t->alias)
		return -ENOMEM;
	return map_all(t, 0, t->size, t->alias, true);
}

int vt_target_map(struct vt_target *t, enum vt_kind kind, size_t slot,
		  unsigned int slots)
{
	unsigned int i;
	int ret;

	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->slot = slot;
	t->half = is_mixed(kind) ? slot / 2 & -PAGE : slot;
	t->size = slot * slots;
	if (kind == VT_HUGETLB || kind == VT_DAX || kind == VT_BAR_HUGE ||
	    kind == VT_PAGES_HUGE)
		t->size = (t->size + HUGE_SIZE - 1) & -HUGE_SIZE;
	for (i = 0; i < 2; i++) {
		t->memory[i].fd = -1;
		t->memory[i].alias_fd = -1;
		t->files[i] = -1;
	}

	ret = map_target(t);
	if (ret)
		vt_target_unmap(t);
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_memory(struct vt_target *t)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		close_fd(&t->memory[i].fd);
		close_fd(&t->memory[i].alias_fd);
	}
	/* vfio: the group before the container */
	close_fd(&t->files[1]);
	close_fd(&t->files[0]);
}

int vt_target_reopen(struct vt_target *t)
{
	close_memory(t);
	return open_memory(t);
}

void vt_target_unmap(struct vt_target *t)
{
	if (t->map)
		munmap(t->map, t->size);
	if (t->alias)
		munmap(t->alias, t->size);
	t->map = NULL;
	t->alias = NULL;
	close_memory(t);
}

bool vt_target_watchable(const struct vt_target *t)
{
	return t->alias || is_vpt(t->kind);
}

int vt_target_fill(struct vt_target *t, size_t offset, size_t size,
		   unsigned char byte)
{
	unsigned char buf[4096];
	ssize_t n;

	if (t->alias || !is_vpt(t->kind)) {
		memset((t->alias ?: t->map) + offset, byte, size);
		return 0;
	}

	memset(buf, byte, sizeof(buf));
	for (; size; offset += n, size -= n) {
		n = pwrite(t->memory[0].fd, buf,
			   size < sizeof(buf) ? size : sizeof(buf), offset);
		if (n <= 0)
			return -EIO;
	}
	return 0;
}

int vt_target_read(struct vt_target *t, size_t offset, void *buf, size_t size)
{
	ssize_t n;

	if (t->alias || !is_vpt(t->kind)) {
		memcpy(buf, (t->alias ?: t->map) + offset, size);
		return 0;
	}

	for (; size; offset += n, buf += n, size -= n) {
		n = pread(t->memory[0].fd, buf, size, offset);
		if (n <= 0)
			return -EIO;
	}
	return 0;
}

ssize_t vt_target_find_other(struct vt_target *t, size_t offset, size_t size,
			     unsigned char byte)
{
	unsigned char buf[4096];
	size_t done;
	ssize_t n, at;

	if (t->alias || !is_vpt(t->kind))
		return vt_find_other((t->alias ?: t->map) + offset, size, byte);

	for (done = 0; done < size; done += n) {
		n = pread(t->memory[0].fd, buf,
			  size - done < sizeof(buf) ? size - done : sizeof(buf),
			  offset + done);
		if (n <= 0)
			return done;
		at = vt_find_other(buf, n, byte);
		if (at >= 0)
			return done + at;
	}
	return -1;
}

/* The exporter takes the memory back, from everybody. */
int vt_target_zap(struct vt_target *t)
{
	return vt_ioctl(t->memory[0].fd, VPT_ZAP, NULL);
}

int vt_target_restore(struct vt_target *t)
{
	return vt_ioctl(t->memory[0].fd, VPT_RESTORE, NULL);
}

int vt_target_enable(struct vt_target *t, bool on)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t was, command;
	off_t at;
	int ret;

	ret = vt_ioctl(t->memory[0].fd, VFIO_DEVICE_GET_REGION_INFO, &config);
	if (ret)
		return ret;
	at = config.offset + PCI_COMMAND;
	if (pread(t->memory[0].fd, &was, 2, at) != 2)
		return -EIO;
	command = (was & ~PCI_COMMAND_MEMORY) | (on ? PCI_COMMAND_MEMORY : 0);
	if (was == command || pwrite(t->memory[0].fd, &command, 2, at) != 2)
		return -EIO;
	return 0;
}

int vt_target_blink(struct vt_target *t)
{
	int ret = vt_target_enable(t, false);

	return ret ? ret : vt_target_enable(t, true);
}

/* Headers of user space may be older than this. */
#define FEATURE_DMA_BUF	11

struct feature_dma_buf {
	__u32 region_index;
	__u32 open_flags;
	__u32 flags;
	__u32 nr_ranges;
	struct {
		__u64 offset;
		__u64 length;
	} ranges[VT_RANGES];
};

int vt_target_dmabuf(const struct vt_target *t, const size_t offset[],
		     size_t size, unsigned int n)
{
	struct feature_dma_buf dmabuf = {
		.region_index = VFIO_PCI_BAR0_REGION_INDEX,
		.open_flags = O_RDWR | O_CLOEXEC,
		.nr_ranges = n,
	};
	struct {
		struct vfio_device_feature feature;
		unsigned char data[sizeof(dmabuf)];
	} arg = {
		.feature = {
			.argsz = sizeof(arg),
			.flags = VFIO_DEVICE_FEATURE_GET | FEATURE_DMA_BUF,
		},
	};
	unsigned int i;

	if (n > VT_RANGES)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		dmabuf.ranges[i].offset = offset[i];
		dmabuf.ranges[i].length = size;
	}
	memcpy(arg.data, &dmabuf, sizeof(dmabuf));
	return vt_ioctl(t->memory[0].fd, VFIO_DEVICE_FEATURE, &arg);
}

long vt_huge_faults(const struct vt_target *t)
{
	struct vpt_info info;
	int ret = vt_ioctl(t->memory[0].fd, VPT_INFO, &info);

	return ret ? ret : (long)info.huge_faults;
}

/* In aligned words: what has no page may be device memory, which wants that. */
ssize_t vt_find_other(const void *mem, size_t size, unsigned char byte)
{
	const uint64_t word = 0x0101010101010101U * byte;
	const unsigned char *p = mem, *end = p + size;

	while (p < end && (uintptr_t)p % sizeof(word)) {
		if (*p != byte)
			return p - (const unsigned char *)mem;
		p++;
	}
	while (end - p >= (ssize_t)sizeof(word) && *(const uint64_t *)p == word)
		p += sizeof(word);
	while (p < end && *p == byte)
		p++;
	return p == end ? -1 : p - (const unsigned char *)mem;
}

ssize_t vt_find_difference(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a, *q = b;

	if (!memcmp(a, b, size))
		return -1;
	while (*p == *q) {
		p++;
		q++;
	}
	return p - (const unsigned char *)a;
}

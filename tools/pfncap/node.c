// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"

/*
 * Nodes
 */

static int node_number(const char *path)
{
	return atoi(path + strlen("/dev/video"));
}

static int by_number(const void *a, const void *b)
{
	return node_number(*(char *const *)a) - node_number(*(char *const *)b);
}

bool node_each(bool (*look)(const char *path, void *data), void *data)
{
	bool found = false;
	glob_t g;
	size_t i;

	if (glob("/dev/video[0-9]*", 0, NULL, &g))
		return false;
	qsort(g.gl_pathv, g.gl_pathc, sizeof(g.gl_pathv[0]), by_number);
	for (i = 0; i < g.gl_pathc && !found; i++)
		found = look(g.gl_pathv[i], data);
	globfree(&g);
	return found;
}

static void init(struct node *n, const char *path)
{
	memset(n, 0, sizeof(*n));
	snprintf(n->path, sizeof(n->path), "%s", path);
	n->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

/* 0, or a negative errno: -ENOTTY if it does not capture pictures by streaming */
static int query(struct node *n)
{
	const __u32 memory_to_memory = V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE;
	__u32 caps;
	int ret = xioctl(n->fd, VIDIOC_QUERYCAP, &n->cap);

	if (ret)
		return ret;
	caps = n->cap.capabilities & V4L2_CAP_DEVICE_CAPS ? n->cap.device_caps :
							    n->cap.capabilities;
	if (caps & memory_to_memory || !(caps & V4L2_CAP_STREAMING))
		return -ENOTTY;
	if (caps & V4L2_CAP_VIDEO_CAPTURE) {
		n->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	} else if (caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE) {
		n->type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
		n->mplane = true;
	} else {
		return -ENOTTY;
	}
	return 0;
}

bool node_has_memory(const struct node *n, __u32 memory)
{
	struct v4l2_requestbuffers r = { .type = n->type, .memory = memory };

	return !xioctl(n->fd, VIDIOC_REQBUFS, &r);
}

static void take_format(struct node *n, const struct v4l2_format *f)
{
	const struct v4l2_pix_format_mplane *mp = &f->fmt.pix_mp;
	const struct v4l2_pix_format *sp = &f->fmt.pix;
	struct picture *p = &n->picture;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	if (!n->mplane) {
		p->width = sp->width;
		p->height = sp->height;
		p->fourcc = sp->pixelformat;
		p->field = sp->field;
		p->colorspace = sp->colorspace;
		p->ycbcr_enc = sp->ycbcr_enc;
		p->quantization = sp->quantization;
		p->planes = 1;
		p->bytesperline[0] = sp->bytesperline;
		p->sizeimage[0] = sp->sizeimage;
		return;
	}
	p->width = mp->width;
	p->height = mp->height;
	p->fourcc = mp->pixelformat;
	p->field = mp->field;
	p->colorspace = mp->colorspace;
	p->ycbcr_enc = mp->ycbcr_enc;
	p->quantization = mp->quantization;
	p->planes = mp->num_planes > MAX_PLANES ? MAX_PLANES : mp->num_planes;
	for (i = 0; i < p->planes; i++) {
		p->bytesperline[i] = mp->plane_fmt[i].bytesperline;
		p->sizeimage[i] = mp->plane_fmt[i].sizeimage;
	}
}

static void get_interval(struct node *n)
{
	struct v4l2_streamparm parm = { .type = n->type };

	if (!xioctl(n->fd, VIDIOC_G_PARM, &parm))
		n->interval = parm.parm.capture.timeperframe;
}

static int get_format(struct node *n)
{
	struct v4l2_format format = { .type = n->type };
	int ret = xioctl(n->fd, VIDIOC_G_FMT, &format);

	if (ret)
		return ret;
	take_format(n, &format);
	get_interval(n);
	return 0;
}

bool node_probe(struct node *n, const char *path)
{
	init(n, path);
	if (n->fd >= 0 && !query(n) && !get_format(n))
		return true;
	node_close(n);
	return false;
}

struct search {
	struct node *node;
	__u32 memory;
	unsigned int seen;
};

static bool has_memory(const char *path, void *data)
{
	struct search *s = data;

	if (!node_probe(s->node, path))
		return false;
	s->seen++;
	if (node_has_memory(s->node, s->memory))
		return true;
	node_close(s->node);
	return false;
}

static int find_node(struct node *n, __u32 memory, struct failure *f)
{
	const char *name = memory == V4L2_MEMORY_USERPTR ? "USERPTR" : "MMAP";
	struct search search = { .node = n, .memory = memory };

	if (node_each(has_memory, &search))
		return 0;
	n->fd = -1;
	if (search.seen)
		fail(f, STATUS_FAILURE, "none of the %u capture nodes takes %s buffers now",
		     search.seen, name);
	else
		fail(f, STATUS_FAILURE, "there is no video node that captures");
	fail_help(f, "--device names one, --list shows what each can do; one that another "
		  "program uses is passed over");
	return -1;
}

int node_open(struct node *n, const char *path, __u32 memory, struct failure *f)
{
	int ret;

	if (!path)
		return find_node(n, memory, f);
	init(n, path);
	if (n->fd < 0)
		return fail_call(f, STATUS_FAILURE, "open", errno, "%s can't be opened", path);
	ret = query(n);
	if (ret == -ENOTTY) {
		fail(f, STATUS_FAILURE, "%s is not a video node that captures by streaming",
		     path);
		fail_help(f, "--list shows those that do");
		return -1;
	}
	if (ret)
		return fail_call(f, STATUS_FAILURE, "VIDIOC_QUERYCAP", ret,
				 "%s is not a video node", path);
	ret = get_format(n);
	if (ret)
		return fail_call(f, STATUS_FAILURE, "VIDIOC_G_FMT", ret,
				 "%s does not tell its format", path);
	return 0;
}

void node_close(struct node *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void node_module(const struct node *n, char *name, size_t size)
{
	char path[192], *real = realpath(n->path, NULL);

	/* behind a name like /dev/v4l/by-id/... */
	snprintf(path, sizeof(path), "/sys/class/video4linux/%s/device/driver/module",
		 strrchr(real ?: n->path, '/') + 1);
	free(real);
	if (link_name(path, name, size))
		snprintf(name, size, "%s", "");
}

/*
 * Formats
 */

bool node_has_format(const struct node *n, __u32 fourcc)
{
	struct v4l2_fmtdesc desc = { .type = n->type };

	for (; !xioctl(n->fd, VIDIOC_ENUM_FMT, &desc); desc.index++)
		if (desc.pixelformat == fourcc)
			return true;
	return false;
}

int node_set_format(struct node *n, const struct picture *want, struct failure *f)
{
	struct v4l2_format format = { .type = n->type };
	int ret = xioctl(n->fd, VIDIOC_G_FMT, &format);

	if (!ret && n->mplane) {
		format.fmt.pix_mp.width = want->width;
		format.fmt.pix_mp.height = want->height;
		format.fmt.pix_mp.pixelformat = want->fourcc;
		memset(format.fmt.pix_mp.plane_fmt, 0, sizeof(format.fmt.pix_mp.plane_fmt));
		format.fmt.pix_mp.plane_fmt[0].bytesperline = want->bytesperline[0];
	} else if (!ret) {
		format.fmt.pix.width = want->width;
		format.fmt.pix.height = want->height;
		format.fmt.pix.pixelformat = want->fourcc;
		format.fmt.pix.sizeimage = 0;
		format.fmt.pix.bytesperline = want->bytesperline[0];
	}
	if (!ret)
		ret = xioctl(n->fd, VIDIOC_S_FMT, &format);
	if (ret) {
		fail_call(f, STATUS_FAILURE, "VIDIOC_S_FMT", ret, "%s does not change its format",
			  n->path);
		if (ret == -EBUSY)
			fail_help(f, "another program uses the node; stop it first");
		return -1;
	}
	take_format(n, &format);
	get_interval(n);
	return 0;
}

int node_set_rate(struct node *n, unsigned int fps)
{
	struct v4l2_streamparm parm = {
		.type = n->type,
		.parm.capture.timeperframe = { 1, fps },
	};
	int ret = xioctl(n->fd, VIDIOC_S_PARM, &parm);

	if (ret)
		return ret;
	n->interval = parm.parm.capture.timeperframe;
	return 0;
}

/*
 * Buffers
 */

static int map_plane(struct node *n, unsigned int index, unsigned int plane)
{
	struct v4l2_plane planes[MAX_PLANES] = {};
	struct v4l2_buffer b = {
		.type = n->type,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};
	size_t size;
	void *map;
	int ret;

	if (n->mplane) {
		b.m.planes = planes;
		b.length = n->picture.planes;
	}
	ret = xioctl(n->fd, VIDIOC_QUERYBUF, &b);
	if (ret)
		return ret;
	size = n->mplane ? planes[plane].length : b.length;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, n->fd,
		   n->mplane ? planes[plane].m.mem_offset : b.m.offset);
	if (map == MAP_FAILED)
		return -errno;
	n->map[index][plane] = map;
	n->map_size[index][plane] = size;
	return 0;
}

static int map_buffers(struct node *n, struct failure *f)
{
	unsigned int i, p;
	int ret;

	for (i = 0; i < n->buffers; i++) {
		for (p = 0; p < n->picture.planes; p++) {
			ret = map_plane(n, i, p);
			if (ret)
				return fail_call(f, STATUS_FAILURE, "mmap", ret,
						 "buffer %u of %s can't be mapped", i, n->path);
		}
	}
	return 0;
}

int node_request(struct node *n, __u32 memory, unsigned int count, struct failure *f)
{
	const char *name = memory == V4L2_MEMORY_USERPTR ? "USERPTR" : "MMAP";
	struct v4l2_requestbuffers r = {
		.type = n->type,
		.memory = memory,
		.count = count,
	};
	int ret = xioctl(n->fd, VIDIOC_REQBUFS, &r);

	if (ret) {
		fail_call(f, STATUS_FAILURE, "VIDIOC_REQBUFS", ret,
			  "%s gives no %s buffers", n->path, name);
		if (ret == -EINVAL)
			fail_meaning(f, "the driver %s has no %s for this queue", n->cap.driver,
				     name);
		if (ret == -EBUSY)
			fail_meaning(f, "another program captures from this node");
		if (ret == -EINVAL && memory == V4L2_MEMORY_USERPTR)
			fail_help(f, "--method copy captures by MMAP and copies to the target");
		return -1;
	}
	n->memory = memory;
	n->buffers = r.count < MAX_BUFFERS ? r.count : MAX_BUFFERS;
	if (r.count < count || r.count > MAX_BUFFERS) {
		node_release(n);
		return fail(f, STATUS_FAILURE, "%s gives %u %s buffers, not %u", n->path,
			    r.count, name, count);
	}
	if (memory == V4L2_MEMORY_MMAP && map_buffers(n, f)) {
		node_release(n);
		return -1;
	}
	return 0;
}

void node_release(struct node *n)
{
	struct v4l2_requestbuffers r = { .type = n->type, .memory = n->memory };
	unsigned int i, p;

	for (i = 0; i < n->buffers; i++) {
		for (p = 0; p < MAX_PLANES; p++) {
			if (n->map[i][p])
				munmap(n->map[i][p], n->map_size[i][p]);
			n->map[i][p] = NULL;
		}
	}
	if (n->memory)
		xioctl(n->fd, VIDIOC_REQBUFS, &r);
	n->memory = 0;
	n->buffers = 0;
}

int node_queue(const struct node *n, unsigned int index, unsigned char *const addr[])
{
	struct v4l2_plane planes[MAX_PLANES] = {};
	struct v4l2_buffer b = {
		.type = n->type,
		.memory = n->memory,
		.index = index,
	};
	unsigned int p;

	if (n->mplane) {
		b.m.planes = planes;
		b.length = n->picture.planes;
		for (p = 0; n->memory == V4L2_MEMORY_USERPTR && p < n->picture.planes; p++) {
			planes[p].m.userptr = (unsigned long)addr[p];
			planes[p].length = n->picture.sizeimage[p];
		}
	} else if (n->memory == V4L2_MEMORY_USERPTR) {
		b.m.userptr = (unsigned long)addr[0];
		b.length = n->picture.sizeimage[0];
	}
	return xioctl(n->fd, VIDIOC_QBUF, &b);
}

int node_stream(const struct node *n, bool on)
{
	__u32 type = n->type;

	return xioctl(n->fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

int node_dequeue(struct node *n, unsigned int timeout_ms, struct frame *frame)
{
	struct v4l2_plane planes[MAX_PLANES] = {};
	struct v4l2_buffer b = { .type = n->type, .memory = n->memory };
	struct pollfd p = { .fd = n->fd, .events = POLLIN };
	unsigned int i;
	int ret;

	if (n->mplane) {
		b.m.planes = planes;
		b.length = n->picture.planes;
	}
	ret = poll(&p, 1, timeout_ms);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	ret = xioctl(n->fd, VIDIOC_DQBUF, &b);
	if (ret == -EAGAIN && p.revents & POLLERR)
		ret = -EIO;
	if (ret)
		return ret;

	frame->index = b.index;
	frame->sequence = b.sequence;
	frame->flags = b.flags;
	for (i = 0; i < n->picture.planes; i++) {
		size_t used = n->mplane ? planes[i].bytesused : b.bytesused;

		frame->used[i] = used < n->picture.sizeimage[i] ? used :
								   n->picture.sizeimage[i];
		n->picture.data_offset[i] = n->mplane ? planes[i].data_offset : 0;
	}
	return 0;
}

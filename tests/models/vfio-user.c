// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI device in a process of its own: the server's side of vfio-user
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "vfio-user.h"

#define MAX_FDS		16
#define MAX_MESSAGE	65536
#define MSI_CAP		0x50
/* How long the client may take for a transfer before it counts as gone. */
#define TRANSFER_TIMEOUT_MS	10000

enum command {
	VERSION			= 1,
	DMA_MAP			= 2,
	DMA_UNMAP		= 3,
	DEVICE_GET_INFO		= 4,
	DEVICE_GET_REGION_INFO	= 5,
	DEVICE_GET_IRQ_INFO	= 7,
	DEVICE_SET_IRQS		= 8,
	REGION_READ		= 9,
	REGION_WRITE		= 10,
	DMA_READ		= 11,
	DMA_WRITE		= 12,
	DEVICE_RESET		= 13,
};

#define TYPE_MASK	0xfU
#define TYPE_COMMAND	0x0U
#define TYPE_REPLY	0x1U
#define NO_REPLY	0x10U
#define ERROR		0x20U

struct header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

struct version {
	uint16_t major;
	uint16_t minor;
	char capabilities[];
};

struct dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t iova;
	uint64_t size;
};

struct dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
};

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	unsigned char data[];
};

struct dma_access {
	uint64_t address;
	uint64_t count;
	unsigned char data[];
};

/**
 * struct message - a request or reply as it came
 * @header: its header
 * @body: what follows the header
 * @size: bytes of @body
 * @fds: file descriptors that came with it, -1 once somebody took them
 * @num_fds: number of @fds
 */
struct message {
	struct header header;
	void *body;
	size_t size;
	int fds[MAX_FDS];
	unsigned int num_fds;
};

/**
 * struct vu_file - memory that can be accessed directly
 * @next: the next one
 * @dev: device of the file
 * @ino: inode of the file, with @dev its identity
 * @base: where it is mapped, as a whole
 * @size: its size
 *
 * The client sends another descriptor of the same few files for every mapping.
 */
struct vu_file {
	struct vu_file *next;
	dev_t dev;
	ino_t ino;
	unsigned char *base;
	uint64_t size;
};

/**
 * struct vu_map - a range of DMA addresses
 * @first: first address
 * @last: last address
 * @base: memory at @first, or NULL if it has to be accessed by message
 * @flags: VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE
 */
struct vu_map {
	uint64_t first;
	uint64_t last;
	unsigned char *base;
	uint32_t flags;
};

/*
 * PCI configuration space
 */

static void config_put(struct vu *vu, unsigned int at, uint32_t value,
		       unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		vu->config[at + i] = value >> (8 * i);
}

static uint16_t config_word(const struct vu *vu, unsigned int at)
{
	return vu->config[at] | vu->config[at + 1] << 8;
}

static void config_init(struct vu *vu)
{
	const struct vu_id *id = vu->id;
	unsigned int i, order = 0;

	memset(vu->config, 0, sizeof(vu->config));
	memset(vu->writable, 0, sizeof(vu->writable));

	config_put(vu, PCI_VENDOR_ID, id->vendor, 2);
	config_put(vu, PCI_DEVICE_ID, id->device, 2);
	config_put(vu, PCI_CLASS_REVISION, id->class << 8 | id->revision, 4);
	config_put(vu, PCI_SUBSYSTEM_VENDOR_ID, id->subvendor, 2);
	config_put(vu, PCI_SUBSYSTEM_ID, id->subdevice, 2);
	config_put(vu, PCI_INTERRUPT_PIN, id->intx, 1);

	vu->writable[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	vu->writable[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	vu->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	vu->writable[PCI_LATENCY_TIMER] = 0xff;
	vu->writable[PCI_INTERRUPT_LINE] = 0xff;
	for (i = 0; i < VU_BARS; i++) {
		uint32_t mask = id->bar_size[i] ? -id->bar_size[i] : 0;

		mask = htole32(mask);
		memcpy(vu->writable + PCI_BASE_ADDRESS_0 + 4 * i, &mask, 4);
	}

	if (!id->msi)
		return;
	while (1U << order < id->msi)
		order++;
	config_put(vu, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	config_put(vu, PCI_CAPABILITY_LIST, MSI_CAP, 1);
	config_put(vu, MSI_CAP, PCI_CAP_ID_MSI, 1);
	config_put(vu, MSI_CAP + PCI_MSI_FLAGS,
		   PCI_MSI_FLAGS_64BIT | order << 1, 2);
	vu->writable[MSI_CAP + PCI_MSI_FLAGS] = PCI_MSI_FLAGS_ENABLE |
						PCI_MSI_FLAGS_QSIZE;
	memset(vu->writable + MSI_CAP + PCI_MSI_ADDRESS_LO, 0xff,
	       PCI_MSI_DATA_64 + 2 - PCI_MSI_ADDRESS_LO);
}

static void config_write(struct vu *vu, uint64_t at, const unsigned char *data,
			 size_t size)
{
	for (; size--; at++, data++)
		vu->config[at] = (vu->config[at] & ~vu->writable[at]) |
				 (*data & vu->writable[at]);
}

static bool is_bus_master(const struct vu *vu)
{
	return config_word(vu, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/*
 * Interrupts
 */

static void signal_fd(struct vu *vu, int fd)
{
	vu->stats.interrupts++;
	eventfd_write(fd, 1);
}

/*
 * The client masks INTx as soon as it has seen it, and unmasks it after the
 * guest accessed the device; if it is still asserted then, it comes again.
 */
static void intx_update(struct vu *vu)
{
	if (!vu->intx_level || vu->intx_masked || vu->intx_fd < 0 ||
	    config_word(vu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE)
		return;
	vu->intx_masked = true;
	signal_fd(vu, vu->intx_fd);
}

void vu_intx(struct vu *vu, bool level)
{
	vu->intx_level = level;
	vu->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
	if (level)
		vu->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	intx_update(vu);
}

void vu_msi(struct vu *vu, unsigned int vector)
{
	if (vu->msi_fd[vector] >= 0)
		signal_fd(vu, vu->msi_fd[vector]);
}

static void set_fd(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static unsigned int irq_count(const struct vu *vu, unsigned int index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return vu->id->intx;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return vu->id->msi;
	default:
		return 0;
	}
}

static int set_eventfds(struct vu *vu, const struct vfio_irq_set *set,
			struct message *m)
{
	int *fds = set->index == VFIO_PCI_INTX_IRQ_INDEX ? &vu->intx_fd :
							   vu->msi_fd;
	unsigned int i;

	/* either all of them or none have one; count 0 switches the index off */
	if (m->num_fds && m->num_fds != set->count)
		return -EINVAL;
	if (!set->count)
		for (i = 0; i < irq_count(vu, set->index); i++)
			set_fd(&fds[i], -1);
	for (i = 0; i < set->count; i++) {
		set_fd(&fds[set->start + i], m->num_fds ? m->fds[i] : -1);
		if (m->num_fds)
			m->fds[i] = -1;
	}
	if (set->index == VFIO_PCI_INTX_IRQ_INDEX) {
		vu->intx_masked = false;
		intx_update(vu);
	}
	return 0;
}

static int set_irqs(struct vu *vu, struct message *m)
{
	const struct vfio_irq_set *set = m->body;
	unsigned int n;

	if (m->size < sizeof(*set))
		return -EINVAL;
	n = irq_count(vu, set->index);
	if (set->start > n || set->count > n - set->start)
		return -EINVAL;

	switch (set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD || !set->count)
			return set_eventfds(vu, set, m);
		return -EINVAL;
	case VFIO_IRQ_SET_ACTION_MASK:
	case VFIO_IRQ_SET_ACTION_UNMASK:
		if (!(set->flags & VFIO_IRQ_SET_DATA_NONE) ||
		    set->index != VFIO_PCI_INTX_IRQ_INDEX)
			return -EINVAL;
		vu->intx_masked = set->flags & VFIO_IRQ_SET_ACTION_MASK;
		intx_update(vu);
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * Memory of the guest
 */

/* The file behind @fd, mapped; NULL if that can't be done. */
static struct vu_file *get_file(struct vu *vu, int fd)
{
	struct vu_file *f;
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	for (f = vu->files; f; f = f->next)
		if (f->dev == st.st_dev && f->ino == st.st_ino)
			return f;

	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->size = st.st_size;
	f->base = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (f->base == MAP_FAILED) {
		fprintf(vu->log, "vfio-user: a file of the guest's memory can't be mapped: %s\n",
			strerror(errno));
		free(f);
		return NULL;
	}
	f->next = vu->files;
	vu->files = f;
	return f;
}

/* Index of the first map that ends at @iova or behind it. */
static size_t find_map(const struct vu *vu, uint64_t iova)
{
	size_t low = 0, high = vu->num_maps;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (vu->maps[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert_map(struct vu *vu, size_t at, const struct vu_map *map)
{
	if (vu->num_maps == vu->max_maps) {
		size_t max = vu->max_maps ? 2 * vu->max_maps : 64;
		struct vu_map *maps = reallocarray(vu->maps, max, sizeof(*maps));

		if (!maps)
			return -ENOMEM;
		vu->maps = maps;
		vu->max_maps = max;
	}
	memmove(vu->maps + at + 1, vu->maps + at,
		(vu->num_maps - at) * sizeof(*map));
	vu->maps[at] = *map;
	vu->num_maps++;
	return 0;
}

/* Drop the addresses from @first to @last, whatever is mapped there. */
static int remove_range(struct vu *vu, uint64_t first, uint64_t last)
{
	size_t i = find_map(vu, first);
	size_t end;

	if (i < vu->num_maps && vu->maps[i].first < first) {
		struct vu_map tail = vu->maps[i];
		int ret;

		if (tail.last > last) {
			if (tail.base)
				tail.base += last + 1 - tail.first;
			tail.first = last + 1;
			ret = insert_map(vu, i + 1, &tail);
			if (ret)
				return ret;
		}
		vu->maps[i++].last = first - 1;
	}

	for (end = i; end < vu->num_maps && vu->maps[end].last <= last; end++)
		;
	memmove(vu->maps + i, vu->maps + end,
		(vu->num_maps - end) * sizeof(*vu->maps));
	vu->num_maps -= end - i;

	if (i < vu->num_maps && vu->maps[i].first <= last) {
		struct vu_map *head = &vu->maps[i];

		if (head->base)
			head->base += last + 1 - head->first;
		head->first = last + 1;
	}
	return 0;
}

static int map_range(struct vu *vu, struct message *m)
{
	const struct dma_map *request = m->body;
	struct vu_file *file = NULL;
	struct vu_map map;
	int ret;

	if (m->size < sizeof(*request) || !request->size ||
	    request->iova + request->size - 1 < request->iova)
		return -EINVAL;

	if (m->num_fds)
		file = get_file(vu, m->fds[0]);
	if (file && (request->offset > file->size ||
		     request->size > file->size - request->offset))
		return -EINVAL;

	map.first = request->iova;
	map.last = request->iova + request->size - 1;
	map.base = file ? file->base + request->offset : NULL;
	map.flags = request->flags;
	ret = remove_range(vu, map.first, map.last);
	if (ret)
		return ret;
	vu->stats.dma_maps++;
	return insert_map(vu, find_map(vu, map.first), &map);
}

/*
 * Such a request need not correspond to any that mapped something, and its end
 * may be 2^64.
 */
static int unmap_range(struct vu *vu, struct message *m)
{
	const struct dma_unmap *request = m->body;
	uint64_t last;

	if (m->size < sizeof(*request))
		return -EINVAL;

	vu->stats.dma_unmaps++;
	if (request->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		vu->num_maps = 0;
		return 0;
	}
	if (!request->size)
		return -EINVAL;
	last = request->iova + request->size - 1;
	if (last < request->iova)
		last = UINT64_MAX;
	return remove_range(vu, request->iova, last);
}

/*
 * Messages
 */

static int send_all(struct vu *vu, struct iovec *iov, int count)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = count };

	while (msg.msg_iovlen) {
		ssize_t n = sendmsg(vu->socket, &msg, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -ENOTCONN;
		}
		while (msg.msg_iovlen && (size_t)n >= msg.msg_iov->iov_len) {
			n -= msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= n;
		}
	}
	return 0;
}

static int receive_all(struct vu *vu, void *data, size_t size)
{
	while (size) {
		ssize_t n = recv(vu->socket, data, size, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ENOTCONN;
		data = (char *)data + n;
		size -= n;
	}
	return 0;
}

/* The descriptors come with the first byte of a message. */
static int receive_header(struct vu *vu, struct message *m)
{
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct iovec iov = { &m->header, sizeof(m->header) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(vu->socket, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -ENOTCONN;

	m->num_fds = 0;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->num_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->num_fds * sizeof(int));
	}
	return receive_all(vu, (char *)&m->header + n, sizeof(m->header) - n);
}

static int receive(struct vu *vu, struct message *m, void *buffer)
{
	int ret = receive_header(vu, m);

	if (ret)
		return ret;
	if (m->header.size < sizeof(m->header) ||
	    m->header.size - sizeof(m->header) > MAX_MESSAGE) {
		fprintf(vu->log, "vfio-user: a message of %u bytes\n",
			m->header.size);
		return -ENOTCONN;
	}
	m->body = buffer;
	m->size = m->header.size - sizeof(m->header);
	return receive_all(vu, m->body, m->size);
}

static int reply(struct vu *vu, const struct message *m, const void *body,
		 size_t size)
{
	struct header h = m->header;
	struct iovec iov[] = { { &h, sizeof(h) }, { (void *)body, size } };

	h.size = sizeof(h) + size;
	h.flags = TYPE_REPLY;
	h.error = 0;
	return send_all(vu, iov, 2);
}

static int reply_error(struct vu *vu, const struct message *m, int error)
{
	struct header h = m->header;
	struct iovec iov = { &h, sizeof(h) };

	h.size = sizeof(h);
	h.flags = TYPE_REPLY | ERROR;
	h.error = -error;
	return send_all(vu, &iov, 1);
}

/*
 * Requests. Those that answer with more than a header change the request into
 * the answer and set @answer to its size.
 */

static int get_version(struct message *m, size_t *answer)
{
	struct version *v = m->body;

	if (m->size < sizeof(*v) + sizeof("{}") || v->major)
		return -EINVAL;
	memcpy(v->capabilities, "{}", sizeof("{}"));
	*answer = sizeof(*v) + sizeof("{}");
	return 0;
}

static int get_device_info(struct message *m, size_t *answer)
{
	struct vfio_device_info *info = m->body;

	*answer = offsetof(struct vfio_device_info, cap_offset);
	if (m->size < *answer)
		return -EINVAL;
	info->argsz = *answer;
	info->flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	info->num_regions = VFIO_PCI_NUM_REGIONS;
	info->num_irqs = VFIO_PCI_NUM_IRQS;
	return 0;
}

static uint64_t region_size(const struct vu *vu, unsigned int index)
{
	if (index < VU_BARS)
		return vu->id->bar_size[index];
	return index == VFIO_PCI_CONFIG_REGION_INDEX ? VU_CONFIG_SIZE : 0;
}

static int get_region_info(struct vu *vu, struct message *m, size_t *answer)
{
	struct vfio_region_info *info = m->body;

	if (m->size < sizeof(*info) || info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->argsz = sizeof(*info);
	info->cap_offset = 0;
	info->size = region_size(vu, info->index);
	info->offset = 0;
	info->flags = info->size ? VFIO_REGION_INFO_FLAG_READ |
				   VFIO_REGION_INFO_FLAG_WRITE : 0;
	*answer = sizeof(*info);
	return 0;
}

static int get_irq_info(struct vu *vu, struct message *m, size_t *answer)
{
	struct vfio_irq_info *info = m->body;

	if (m->size < sizeof(*info) || info->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info->argsz = sizeof(*info);
	info->count = irq_count(vu, info->index);
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_MASKABLE |
			       VFIO_IRQ_INFO_AUTOMASKED;
	else
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	*answer = sizeof(*info);
	return 0;
}

static bool access_is_valid(const struct vu *vu,
			    const struct region_access *access)
{
	uint64_t size = region_size(vu, access->region);

	return access->offset <= size && access->count <= size - access->offset;
}

static int read_region(struct vu *vu, struct message *m, size_t *answer)
{
	struct region_access *access = m->body;

	if (m->size < sizeof(*access) || !access_is_valid(vu, access) ||
	    access->count > MAX_MESSAGE - sizeof(*access))
		return -EINVAL;
	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX)
		memcpy(access->data, vu->config + access->offset,
		       access->count);
	else
		vu->ops->read(vu->device, access->region, access->offset,
			      access->data, access->count);
	*answer = sizeof(*access) + access->count;
	return 0;
}

static int write_region(struct vu *vu, struct message *m, size_t *answer)
{
	struct region_access *access = m->body;

	if (m->size < sizeof(*access) || !access_is_valid(vu, access) ||
	    access->count > m->size - sizeof(*access))
		return -EINVAL;
	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		config_write(vu, access->offset, access->data, access->count);
		intx_update(vu);
	} else {
		vu->ops->write(vu->device, access->region, access->offset,
			       access->data, access->count);
	}
	*answer = sizeof(*access);
	return 0;
}

static int reset(struct vu *vu)
{
	config_init(vu);
	vu->ops->reset(vu->device);
	return 0;
}

static int handle(struct vu *vu, struct message *m)
{
	size_t answer = 0;
	unsigned int i;
	int ret;

	switch (m->header.command) {
	case VERSION:
		ret = get_version(m, &answer);
		break;
	case DMA_MAP:
		ret = map_range(vu, m);
		break;
	case DMA_UNMAP:
		ret = unmap_range(vu, m);
		answer = sizeof(struct dma_unmap);
		break;
	case DEVICE_GET_INFO:
		ret = get_device_info(m, &answer);
		break;
	case DEVICE_GET_REGION_INFO:
		ret = get_region_info(vu, m, &answer);
		break;
	case DEVICE_GET_IRQ_INFO:
		ret = get_irq_info(vu, m, &answer);
		break;
	case DEVICE_SET_IRQS:
		ret = set_irqs(vu, m);
		break;
	case REGION_READ:
		ret = read_region(vu, m, &answer);
		break;
	case REGION_WRITE:
		ret = write_region(vu, m, &answer);
		break;
	case DEVICE_RESET:
		ret = reset(vu);
		break;
	default:
		ret = -EOPNOTSUPP;
	}

	for (i = 0; i < m->num_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	if (ret)
		fprintf(vu->log, "vfio-user: command %u refused: %s\n",
			m->header.command, strerror(-ret));
	if (m->header.flags & NO_REPLY)
		return 0;
	return ret ? reply_error(vu, m, ret) : reply(vu, m, m->body, answer);
}

/*
 * Wait for a message. Returns 1 if there is one to be received, 0 if the time is
 * over or a signal came, -ENOTCONN if the client has gone.
 */
static int wait_message(struct vu *vu, int64_t timeout_ns)
{
	struct pollfd p = { .fd = vu->socket, .events = POLLIN };
	struct timespec t = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	int n = ppoll(&p, 1, timeout_ns < 0 ? NULL : &t, NULL);

	if (n < 0)
		return errno == EINTR ? 0 : -ENOTCONN;
	return n;
}

int vu_serve(struct vu *vu, int64_t timeout_ns)
{
	struct message m;
	int ret;

	for (;;) {
		ret = wait_message(vu, timeout_ns);
		if (ret <= 0)
			return ret;
		ret = receive(vu, &m, vu->request);
		if (ret)
			return ret;
		if ((m.header.flags & TYPE_MASK) != TYPE_COMMAND) {
			fprintf(vu->log, "vfio-user: an unexpected reply\n");
			return -ENOTCONN;
		}
		ret = handle(vu, &m);
		if (ret)
			return ret;
		/* what else is there already, and then back to the device */
		timeout_ns = 0;
	}
}

/*
 * Transfers
 */

/*
 * The answer to message @id. The client carries transfers out in its main loop,
 * which a CPU that accesses the device keeps waiting; so that must be served.
 */
static int wait_reply(struct vu *vu, uint16_t id, struct message *m)
{
	int ret;

	for (;;) {
		struct pollfd p = { .fd = vu->socket, .events = POLLIN };

		ret = poll(&p, 1, TRANSFER_TIMEOUT_MS);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0) {
			fprintf(vu->log, "vfio-user: no answer to a transfer\n");
			return -ENOTCONN;
		}
		ret = receive(vu, m, vu->request);
		if (ret)
			return ret;
		if ((m->header.flags & TYPE_MASK) == TYPE_REPLY)
			break;
		ret = handle(vu, m);
		if (ret)
			return ret;
	}
	if (m->header.id != id)
		return -ENOTCONN;
	return m->header.flags & ERROR ? -(int)m->header.error : 0;
}

static int transfer_by_message(struct vu *vu, uint64_t iova, void *data,
			       size_t size, bool write)
{
	struct dma_access access = { .address = iova, .count = size };
	struct header h = {
		.id = vu->next_id++,
		.command = write ? DMA_WRITE : DMA_READ,
		.size = sizeof(h) + sizeof(access) + (write ? size : 0),
		.flags = TYPE_COMMAND,
	};
	struct iovec iov[] = {
		{ &h, sizeof(h) },
		{ &access, sizeof(access) },
		{ data, write ? size : 0 },
	};
	struct message m;
	int ret;

	ret = send_all(vu, iov, 3);
	if (!ret)
		ret = wait_reply(vu, h.id, &m);
	if (ret)
		return ret;
	vu->stats.bytes_message += size;
	if (write)
		return 0;
	if (m.size < sizeof(access) + size)
		return -EPROTO;
	memcpy(data, ((struct dma_access *)m.body)->data, size);
	return 0;
}

static int transfer(struct vu *vu, uint64_t iova, void *data, size_t size,
		    bool write)
{
	uint32_t needed = write ? VFIO_DMA_MAP_FLAG_WRITE :
				  VFIO_DMA_MAP_FLAG_READ;
	int ret;

	while (size) {
		/* QEMU tries what it refuses again and again, in pieces */
		size_t n = 4096 - iova % 4096;
		size_t at = find_map(vu, iova);
		struct vu_map *map = at < vu->num_maps ? &vu->maps[at] : NULL;

		if (n > size)
			n = size;
		/* looked up each time: a message may change the table */
		if (!is_bus_master(vu))
			return -EACCES;
		if (map && map->first <= iova && map->base &&
		    map->flags & needed) {
			unsigned char *memory = map->base + (iova - map->first);

			if (n - 1 > map->last - iova)
				n = map->last - iova + 1;
			if (write)
				memcpy(memory, data, n);
			else
				memcpy(data, memory, n);
			vu->stats.bytes_direct += n;
		} else {
			/* whatever it is, the machine knows it */
			ret = transfer_by_message(vu, iova, data, n, write);
			if (ret)
				return ret;
		}
		iova += n;
		data = (char *)data + n;
		size -= n;
	}
	return 0;
}

int vu_dma_read(struct vu *vu, uint64_t iova, void *data, size_t size)
{
	return transfer(vu, iova, data, size, false);
}

int vu_dma_write(struct vu *vu, uint64_t iova, const void *data, size_t size)
{
	return transfer(vu, iova, (void *)data, size, true);
}

/*
 * The connection
 */

/* The socket appears at @path when a client can connect to it. */
static int listen_on(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, n, ret;

	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path);
	if ((size_t)n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(addr.sun_path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 1) || rename(addr.sun_path, path)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int vu_open(struct vu *vu, const char *path)
{
	unsigned int i;
	int fd;

	vu->request = malloc(MAX_MESSAGE);
	if (!vu->request)
		return -ENOMEM;
	fd = listen_on(path);
	if (fd < 0)
		return fd;
	vu->socket = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (vu->socket < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	close(fd);

	vu->intx_fd = -1;
	for (i = 0; i < VU_MSI_MAX; i++)
		vu->msi_fd[i] = -1;
	config_init(vu);
	vu->ops->reset(vu->device);
	return 0;
}

void vu_close(struct vu *vu)
{
	struct vu_file *file, *next;
	unsigned int i;

	for (file = vu->files; file; file = next) {
		next = file->next;
		munmap(file->base, file->size);
		free(file);
	}
	set_fd(&vu->intx_fd, -1);
	for (i = 0; i < VU_MSI_MAX; i++)
		set_fd(&vu->msi_fd[i], -1);
	close(vu->socket);
	free(vu->maps);
	free(vu->request);
}

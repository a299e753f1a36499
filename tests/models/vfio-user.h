/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device in a process of its own: the server's side of vfio-user
 *
 * One device, one client (QEMU's vfio-user-pci), one thread. The library keeps
 * the configuration space, the interrupts' eventfds and the table of what the
 * guest's memory is mapped to; the device has the rest in struct vu_ops.
 *
 * The device's transfers go straight to the memory where the client gave a file
 * descriptor for it, and as messages to the client where it did not. Only the
 * first kind is ordered against the guest's accesses to the device: when a
 * register read is answered, every vu_dma_write() before it has arrived. A
 * message is carried out when the client comes to it, and the client may be
 * waiting for the answer to a register read meanwhile.
 *
 * Functions that return int return 0 or a negative errno, unless they say
 * otherwise.
 */
#ifndef VFIO_USER_H
#define VFIO_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VU_BARS		6
#define VU_MSI_MAX	32
#define VU_CONFIG_SIZE	256

/**
 * struct vu_ops - what the device does
 * @read: fill @data with what is at @offset of a BAR
 * @write: the guest writes @data there
 * @reset: the machine is being reset; transfers have to end here
 *
 * They are called by vu_serve(), and also while vu_dma_read() or vu_dma_write()
 * waits for the client's answer. They must not transfer anything themselves.
 */
struct vu_ops {
	void (*read)(void *device, unsigned int bar, uint64_t offset,
		     void *data, size_t size);
	void (*write)(void *device, unsigned int bar, uint64_t offset,
		      const void *data, size_t size);
	void (*reset)(void *device);
};

/**
 * struct vu_id - what the device says it is
 * @vendor: PCI vendor
 * @device: PCI device
 * @subvendor: subsystem's vendor
 * @subdevice: subsystem's device
 * @class: class, subclass and programming interface
 * @revision: revision
 * @bar_size: sizes of the 32-bit memory BARs, powers of two; 0 for none
 * @intx: it has an interrupt pin
 * @msi: number of MSI vectors, a power of two; 0 for none
 */
struct vu_id {
	uint16_t vendor;
	uint16_t device;
	uint16_t subvendor;
	uint16_t subdevice;
	uint32_t class;
	uint8_t revision;
	uint32_t bar_size[VU_BARS];
	bool intx;
	unsigned int msi;
};

struct vu_file;
struct vu_map;

/**
 * struct vu - a device's connection
 * @id: what the device says it is
 * @ops: what the device does
 * @device: passed to @ops
 * @log: where problems of the protocol are told
 * @socket: connection to the client
 * @config: PCI configuration space
 * @writable: bits of it that the guest may change
 * @files: memory that the client gave file descriptors for
 * @maps: what is mapped, in the order of the addresses
 * @num_maps: number of @maps
 * @max_maps: number of @maps that there is room for
 * @intx_fd: signals INTx, or -1
 * @intx_level: the device asserts INTx
 * @intx_masked: signalled, and not unmasked since
 * @msi_fd: signal MSI vectors, or -1
 * @next_id: number of the next message to the client
 * @request: the message that is being handled
 * @stats: counted since the start
 */
struct vu {
	const struct vu_id *id;
	const struct vu_ops *ops;
	void *device;
	FILE *log;

	int socket;
	uint8_t config[VU_CONFIG_SIZE];
	uint8_t writable[VU_CONFIG_SIZE];

	struct vu_file *files;
	struct vu_map *maps;
	size_t num_maps;
	size_t max_maps;

	int intx_fd;
	bool intx_level;
	bool intx_masked;
	int msi_fd[VU_MSI_MAX];

	uint16_t next_id;
	unsigned char *request;
	struct {
		uint64_t bytes_direct;
		uint64_t bytes_message;
		uint64_t dma_maps;
		uint64_t dma_unmaps;
		uint64_t interrupts;
	} stats;
};

/* Wait on the UNIX socket @path for the client; returns when it is there. */
int vu_open(struct vu *vu, const char *path);
void vu_close(struct vu *vu);

/*
 * Serve the client until nothing is left to be done and @timeout_ns have passed,
 * for ever if it is negative. Returns early for any request, and for a signal.
 * -ENOTCONN: the client has gone.
 */
int vu_serve(struct vu *vu, int64_t timeout_ns);

/*
 * Transfer @size bytes at the DMA address @iova. -EACCES: the guest did not make
 * the device a bus master. -ENOTCONN: the client has gone. What the I/O MMU, or
 * the lack of anything there, refuses is another error; some bytes before may
 * have been transferred then.
 */
int vu_dma_read(struct vu *vu, uint64_t iova, void *data, size_t size);
int vu_dma_write(struct vu *vu, uint64_t iova, const void *data, size_t size);

/* Assert or deassert the interrupt pin. */
void vu_intx(struct vu *vu, bool level);
/* Send an MSI; it is lost if the guest has not enabled that vector. */
void vu_msi(struct vu *vu, unsigned int vector);

#endif /* VFIO_USER_H */

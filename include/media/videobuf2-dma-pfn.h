/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory allocator for videobuf2 that also captures into
 * user memory without a struct page
 */
#ifndef _MEDIA_VIDEOBUF2_DMA_PFN_H
#define _MEDIA_VIDEOBUF2_DMA_PFN_H

#include <linux/scatterlist.h>

#include <media/videobuf2-v4l2.h>

/**
 * var vb2_dma_pfn_memops - memory operations of the dma-pfn allocator
 *
 * A driver selects it with ``q->mem_ops = &vb2_dma_pfn_memops``. MMAP, USERPTR,
 * DMABUF import and export work as with vb2_dma_sg_memops. In addition, a
 * USERPTR buffer may be any memory that the process has mapped: a PCI BAR, a
 * framebuffer, RAM that is not the kernel's. Such memory can be taken away at any
 * moment, from a device by the I/O MMU in front of it, else by the driver: see
 * &vb2_ops.buf_revoke. VIDIOC_QBUF refuses it where neither can.
 *
 * &vb2_queue.dev is the device that does the DMA. If it has no DMA mask, as USB
 * devices have none, the buffers are the CPU's only: nothing is mapped for DMA, and
 * no cache is maintained.
 *
 * A queue whose device needs one contiguous DMA range per plane says so with
 * %DMA_ATTR_FORCE_CONTIGUOUS in &vb2_queue.dma_attrs. Buffers that are allocated
 * then are contiguous, and VIDIOC_QBUF refuses others with EFAULT.
 */
extern const struct vb2_mem_ops vb2_dma_pfn_memops;

/**
 * vb2_dma_pfn_plane_desc() - the DMA mapping of a plane
 * @vb: buffer that is prepared
 * @plane_no: number of the plane
 *
 * The entries may have no page, see sg_has_page(): only sg_dma_address() and
 * sg_dma_len() are of use to a driver, best with for_each_sgtable_dma_sg().
 *
 * Context: any. The table is valid from &vb2_ops.buf_prepare to
 *	&vb2_ops.buf_finish, or until &vb2_ops.buf_revoke returns.
 * Return: the scatter-gather table, or NULL if there is no such plane or the device
 *	does no DMA.
 */
static inline struct sg_table *
vb2_dma_pfn_plane_desc(struct vb2_buffer *vb, unsigned int plane_no)
{
	return vb2_plane_cookie(vb, plane_no);
}

/**
 * vb2_dma_pfn_plane_dma_addr() - the DMA address of a contiguous plane
 * @vb: buffer that is prepared, of a queue with %DMA_ATTR_FORCE_CONTIGUOUS
 * @plane_no: number of the plane
 *
 * Context: any. Valid as long as the result of vb2_dma_pfn_plane_desc().
 * Return: the address of the plane's first byte, or %DMA_MAPPING_ERROR if there
 *	is no such plane.
 */
static inline dma_addr_t
vb2_dma_pfn_plane_dma_addr(struct vb2_buffer *vb, unsigned int plane_no)
{
	struct sg_table *sgt = vb2_dma_pfn_plane_desc(vb, plane_no);

	return sgt ? sg_dma_address(sgt->sgl) : DMA_MAPPING_ERROR;
}

#endif /* _MEDIA_VIDEOBUF2_DMA_PFN_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory allocator for videobuf2 that also captures into
 * user memory without a struct page
 *
 * MMAP, ordinary USERPTR and DMABUF buffers are what they are with dma-sg. What
 * is new is memory that can be taken away: a USERPTR range that is not pinned
 * (see user_pfn_range.c), and a dma-buf whose exporter may revoke it. Both are
 * taken from the writer before they change their owner: from a device by the I/O
 * MMU in front of it (dma_revoke_sgtable()), from a device without one and from
 * the CPU by the driver (vb2_dma_pfn_revoke()).
 *
 * A device that has no DMA mask does no DMA: the CPU fills the buffers of a USB
 * camera. Nothing is mapped for it, and no cache is maintained, which would lose
 * what the CPU has written.
 *
 * Lock order: queue lock, mmap_lock or the dma-buf's reservation lock, the locks
 * of &vb2_ops.buf_revoke (vb2_buffer.access_sem) and of the DMA mapping,
 * user_pfn_range.lock. The revocation enters in the middle, so nothing below may
 * go back up.
 */

#include <linux/cc_platform.h>
#include <linux/dma-buf.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci-p2pdma.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <media/user_pfn_range.h>
#include <media/videobuf2-dma-pfn.h>
#include <media/videobuf2-memops.h>
#include <media/videobuf2-v4l2.h>

static bool unsafe_unrevocable;
module_param(unsafe_unrevocable, bool, 0644);
MODULE_PARM_DESC(unsafe_unrevocable,
		 "Accept memory that nobody can take back from the device. It may then write into memory that belongs to somebody else by now. Taints the kernel.");

/*
 * How user memory is mapped. No need to sync to the device, this will happen later
 * when the prepare() memop is called. And no need to shout when the device can't
 * reach what an application came up with.
 */
#define VB2_DMA_PFN_USER_ATTRS	(DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN)

/**
 * struct vb2_dma_pfn_buf - one plane of a buffer
 *
 * @dev: device that the plane is mapped for
 * @vb: buffer that the plane belongs to; not valid for an exported MMAP plane
 *	that has outlived it
 * @memory: which of the three sets of fields below is in use
 * @dma_dir: direction of the transfers
 * @size: size in bytes
 * @offset: of the first byte in its page
 * @uses_dma: the device does DMA, so that the plane is mapped for it
 * @dma_sgt: the DMA mapping, if @uses_dma; else an MMAP plane's pages or NULL
 * @sg_table: the storage of @dma_sgt, if it is the allocator's own
 * @vaddr: kernel address of the first page, NULL as long as nobody asked for it
 * @vaddr_lock: protects setting @vaddr
 * @pages: MMAP: pages of a scattered allocation, NULL for a contiguous one
 * @num_pages: MMAP: number of @pages
 * @refcount: MMAP: users of the memory
 * @handler: MMAP: for vb2_common_vm_ops
 * @range: USERPTR: the user's memory
 * @device_only: USERPTR: nobody but the I/O MMU can take the memory away, so that
 *	the CPU must not write to it
 * @dbuf: DMABUF: the dma-buf
 * @db_attach: DMABUF: the attachment, NULL unless @uses_dma
 * @db_sgt: DMABUF: the exporter's mapping, protected by the reservation lock.
 *	Drivers work on a copy, as this one vanishes at the exporter's request.
 * @db_revoked: DMABUF: the exporter has asked for its memory
 * @db_map: DMABUF: what the exporter said of @vaddr, and wants to hear again
 */
struct vb2_dma_pfn_buf {
	struct device			*dev;
	struct vb2_buffer		*vb;
	enum vb2_memory			memory;
	enum dma_data_direction		dma_dir;
	unsigned long			size;
	unsigned int			offset;

	bool				uses_dma;
	struct sg_table			*dma_sgt;
	struct sg_table			sg_table;
	void				*vaddr;
	struct mutex			vaddr_lock;	/* for setting vaddr */

	struct page			**pages;
	unsigned int			num_pages;
	refcount_t			refcount;
	struct vb2_vmarea_handler	handler;

	struct user_pfn_range		range;
	bool				device_only;

	struct dma_buf			*dbuf;
	struct dma_buf_attachment	*db_attach;
	struct sg_table			*db_sgt;
	bool				db_revoked;
	struct iosys_map		db_map;
};

static bool vb2_dma_pfn_needs_contiguous(const struct vb2_buffer *vb)
{
	return vb->vb2_queue->dma_attrs & DMA_ATTR_FORCE_CONTIGUOUS;
}

static bool vb2_dma_pfn_is_contiguous(struct sg_table *sgt, unsigned long size)
{
	dma_addr_t expected = sg_dma_address(sgt->sgl);
	unsigned long contiguous = 0;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (sg_dma_address(sg) != expected)
			break;
		expected += sg_dma_len(sg);
		contiguous += sg_dma_len(sg);
	}

	return contiguous >= size;
}

static struct vb2_dma_pfn_buf *
vb2_dma_pfn_buf_create(struct vb2_buffer *vb, struct device *dev,
		       enum vb2_memory memory, unsigned long size)
{
	struct vb2_dma_pfn_buf *buf;

	if (WARN_ON(!dev) || WARN_ON(!size))
		return ERR_PTR(-EINVAL);
	/* contiguous for whom? */
	if (WARN_ON(!dev->dma_mask && vb2_dma_pfn_needs_contiguous(vb)))
		return ERR_PTR(-EINVAL);

	buf = kzalloc_obj(*buf);
	if (!buf)
		return ERR_PTR(-ENOMEM);

	/* Prevent the device from being released while the buffer is used */
	buf->dev = get_device(dev);
	buf->vb = vb;
	buf->memory = memory;
	buf->dma_dir = vb->vb2_queue->dma_dir;
	buf->size = size;
	buf->uses_dma = dev->dma_mask;
	mutex_init(&buf->vaddr_lock);

	return buf;
}

static void vb2_dma_pfn_buf_destroy(struct vb2_dma_pfn_buf *buf)
{
	put_device(buf->dev);
	mutex_destroy(&buf->vaddr_lock);
	kfree(buf);
}

/*********************************************/
/*           memory that is revoked          */
/*********************************************/

static bool vb2_dma_pfn_revoked(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	switch (buf->memory) {
	case VB2_MEMORY_USERPTR:
		return user_pfn_range_revoked(&buf->range);
	case VB2_MEMORY_DMABUF:
		return READ_ONCE(buf->db_revoked);
	default:
		return false;
	}
}

static bool vb2_dma_pfn_stale(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	if (buf->memory == VB2_MEMORY_USERPTR)
		return user_pfn_range_stale(&buf->range);

	return vb2_dma_pfn_revoked(buf);
}

static int vb2_dma_pfn_revoke(struct vb2_dma_pfn_buf *buf, bool may_block)
{
	int ret = vb2_buffer_revoke(buf->vb, may_block);

	if (ret != -EOPNOTSUPP)
		return ret;

	dev_warn_ratelimited(buf->dev,
			     "unsafe_unrevocable: buffer %u may be written to after its memory was taken away\n",
			     buf->vb->index);
	return 0;
}

/*
 * What the I/O MMU has cut off may go on with the buffer, and the driver need not
 * know. It can't cut off the CPU, which may be writing if it was ever given an
 * address: vb2_dma_pfn_get_vaddr() sets that under the lock under which the range
 * has become revoked, so whoever comes too late to be seen here sees the mark.
 */
static int vb2_dma_pfn_revoke_range(struct user_pfn_range *range,
				    bool may_block)
{
	struct vb2_dma_pfn_buf *buf = container_of(range, struct vb2_dma_pfn_buf,
						   range);

	if (buf->uses_dma &&
	    !dma_revoke_sgtable(buf->dev, buf->dma_sgt, buf->dma_dir,
				VB2_DMA_PFN_USER_ATTRS) &&
	    !READ_ONCE(buf->vaddr))
		return 0;

	return vb2_dma_pfn_revoke(buf, may_block);
}

static const struct user_pfn_range_ops vb2_dma_pfn_range_ops = {
	.revoke = vb2_dma_pfn_revoke_range,
};

/* Is there anybody who can take this memory away from the device? */
static int vb2_dma_pfn_check_revocable(struct vb2_dma_pfn_buf *buf)
{
	struct vb2_queue *q = buf->vb->vb2_queue;

	buf->device_only = false;
	if (user_pfn_range_is_pinned(&buf->range) || q->ops->buf_revoke)
		return 0;

	buf->device_only = buf->uses_dma &&
			   dma_can_revoke_sgtable(buf->dev, buf->dma_sgt);
	if (buf->device_only)
		return 0;

	if (!unsafe_unrevocable) {
		dev_warn_ratelimited(buf->dev,
				     "%s: memory that can be taken away is refused: no I/O MMU can do that, and the driver has no buf_revoke()\n",
				     q->name);
		return -EOPNOTSUPP;
	}

	if (security_locked_down(LOCKDOWN_MODULE_PARAMETERS)) {
		dev_dbg(buf->dev, "unsafe_unrevocable is locked down\n");
		return -EPERM;
	}

	dev_warn_ratelimited(buf->dev,
			     "%s: unsafe_unrevocable: nobody can stop the device when the memory is taken away\n",
			     q->name);
	add_taint(TAINT_USER, LOCKDEP_STILL_OK);
	return 0;
}

/* Can the CPU and the device agree on what is in memory without a page? */
static int vb2_dma_pfn_check_pageless(struct vb2_dma_pfn_buf *buf,
				      const struct user_pfn_run *run)
{
	if (!buf->uses_dma)
		return 0;

	/* a device sees such memory as it is, decrypted, see DMA_ATTR_MMIO */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT) &&
	    pgprot_val(run->prot) !=
	    pgprot_val(pgprot_decrypted(run->prot))) {
		dev_dbg(buf->dev, "pfn %#lx has no page and is encrypted\n",
			run->pfn);
		return -EPERM;
	}

	/* nobody could clean the cache: that takes a kernel address */
	if (!dev_is_dma_coherent(buf->dev) &&
	    pgprot_val(run->prot) == pgprot_val(PAGE_KERNEL)) {
		dev_dbg(buf->dev,
			"pfn %#lx has no page and is cached, but DMA is not coherent\n",
			run->pfn);
		return -EINVAL;
	}

	return 0;
}

static int vb2_dma_pfn_check_range(struct vb2_dma_pfn_buf *buf)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < buf->range.nr_runs; i++)
		if (buf->range.runs[i].kind == USER_PFN_PAGELESS)
			ret = vb2_dma_pfn_check_pageless(buf,
							 &buf->range.runs[i]);

	return ret;
}

/*********************************************/
/*        callbacks for MMAP buffers         */
/*********************************************/

static void vb2_dma_pfn_free_pages(struct vb2_dma_pfn_buf *buf,
				   unsigned int num_pages)
{
	while (num_pages--)
		__free_page(buf->pages[num_pages]);
	kvfree(buf->pages);
}

/* As few chunks as possible, as large as possible */
static int vb2_dma_pfn_alloc_pages(struct vb2_dma_pfn_buf *buf, gfp_t gfp)
{
	int order = MAX_PAGE_ORDER;
	unsigned int i, n = 0;

	buf->num_pages = buf->size >> PAGE_SHIFT;
	buf->pages = kvmalloc_objs(struct page *, buf->num_pages);
	if (!buf->pages)
		return -ENOMEM;

	while (n < buf->num_pages) {
		struct page *pages;

		order = min(order, ilog2(buf->num_pages - n));
		pages = alloc_pages(gfp | __GFP_ZERO | __GFP_NOWARN, order);
		if (!pages) {
			if (order--)
				continue;
			vb2_dma_pfn_free_pages(buf, n);
			return -ENOMEM;
		}

		split_page(pages, order);
		for (i = 0; i < 1U << order; i++)
			buf->pages[n++] = pages + i;
	}

	return 0;
}

static int vb2_dma_pfn_alloc_scattered(struct vb2_dma_pfn_buf *buf, gfp_t gfp)
{
	int ret;

	ret = vb2_dma_pfn_alloc_pages(buf, gfp);
	if (ret)
		return ret;

	ret = sg_alloc_table_from_pages_segment(&buf->sg_table, buf->pages,
						buf->num_pages, 0, buf->size,
						dma_get_max_seg_size(buf->dev),
						GFP_KERNEL);
	if (ret)
		goto err_free_pages;

	/*
	 * No need to sync to the device, this will happen later when the
	 * prepare() memop is called.
	 */
	if (buf->uses_dma)
		ret = dma_map_sgtable(buf->dev, &buf->sg_table, buf->dma_dir,
				      DMA_ATTR_SKIP_CPU_SYNC);
	if (ret)
		goto err_free_table;

	buf->dma_sgt = &buf->sg_table;
	return 0;

err_free_table:
	sg_free_table(&buf->sg_table);
err_free_pages:
	vb2_dma_pfn_free_pages(buf, buf->num_pages);
	return ret;
}

static int vb2_dma_pfn_alloc_contiguous(struct vb2_dma_pfn_buf *buf, gfp_t gfp)
{
	buf->dma_sgt = dma_alloc_noncontiguous(buf->dev, buf->size,
					       buf->dma_dir, gfp | __GFP_ZERO,
					       0);
	return buf->dma_sgt ? 0 : -ENOMEM;
}

static void vb2_dma_pfn_put(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	if (!refcount_dec_and_test(&buf->refcount))
		return;

	if (buf->pages) {
		if (buf->vaddr)
			vm_unmap_ram(buf->vaddr, buf->num_pages);
		if (buf->uses_dma)
			dma_unmap_sgtable(buf->dev, buf->dma_sgt, buf->dma_dir,
					  DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(buf->dma_sgt);
		vb2_dma_pfn_free_pages(buf, buf->num_pages);
	} else {
		if (buf->vaddr)
			dma_vunmap_noncontiguous(buf->dev, buf->vaddr);
		dma_free_noncontiguous(buf->dev, buf->size, buf->dma_sgt,
				       buf->dma_dir);
	}
	vb2_dma_pfn_buf_destroy(buf);
}

static void *vb2_dma_pfn_alloc(struct vb2_buffer *vb, struct device *dev,
			       unsigned long size)
{
	gfp_t gfp = GFP_KERNEL | vb->vb2_queue->gfp_flags;
	struct vb2_dma_pfn_buf *buf;
	int ret;

	buf = vb2_dma_pfn_buf_create(vb, dev, VB2_MEMORY_MMAP, size);
	if (IS_ERR(buf))
		return buf;

	if (vb2_dma_pfn_needs_contiguous(vb))
		ret = vb2_dma_pfn_alloc_contiguous(buf, gfp);
	else
		ret = vb2_dma_pfn_alloc_scattered(buf, gfp);
	if (ret) {
		vb2_dma_pfn_buf_destroy(buf);
		return ERR_PTR(ret);
	}

	buf->handler.refcount = &buf->refcount;
	buf->handler.put = vb2_dma_pfn_put;
	buf->handler.arg = buf;
	refcount_set(&buf->refcount, 1);

	return buf;
}

static unsigned int vb2_dma_pfn_num_users(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	return refcount_read(&buf->refcount);
}

static int vb2_dma_pfn_mmap(void *buf_priv, struct vm_area_struct *vma)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;
	int ret;

	if (buf->pages)
		ret = vm_map_pages(vma, buf->pages, buf->num_pages);
	else
		ret = dma_mmap_noncontiguous(buf->dev, vma, buf->size,
					     buf->dma_sgt);
	if (ret) {
		dev_dbg(buf->dev, "buffer can't be mapped: %d\n", ret);
		return ret;
	}

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	/*
	 * Use common vm_area operations to track buffer refcount.
	 */
	vma->vm_private_data	= &buf->handler;
	vma->vm_ops		= &vb2_common_vm_ops;

	vma->vm_ops->open(vma);

	return 0;
}

/*********************************************/
/*       callbacks for USERPTR buffers       */
/*********************************************/

static unsigned int vb2_dma_pfn_range_pages(const struct vb2_dma_pfn_buf *buf)
{
	return (buf->range.end - buf->range.start) >> PAGE_SHIFT;
}

/* The number of scatterlist entries that the range needs */
static unsigned int vb2_dma_pfn_count_entries(const struct vb2_dma_pfn_buf *buf,
					      unsigned long max_pages)
{
	unsigned int i, nents = buf->range.nr_runs;

	/* most devices take entries as long as a buffer */
	if (vb2_dma_pfn_range_pages(buf) <= max_pages)
		return nents;

	for (i = 0; i < buf->range.nr_runs; i++)
		nents += (buf->range.runs[i].nr_pages - 1) / max_pages;

	return nents;
}

static inline int vb2_dma_pfn_set_entry(const struct vb2_dma_pfn_buf *buf,
					struct scatterlist *sg,
					enum user_pfn_kind kind,
					unsigned long pfn, unsigned int len,
					unsigned int offset)
{
	int ret = 0;

	if (kind != USER_PFN_PAGELESS)
		sg_set_page(sg, pfn_to_page(pfn), len, offset);
	else
		ret = sg_set_pfn(sg, pfn, len, offset);
	if (ret)
		dev_dbg(buf->dev, "pfn %#lx is too high\n", pfn);

	return ret;
}

static int vb2_dma_pfn_fill_table(struct vb2_dma_pfn_buf *buf)
{
	/* an entry must be as long as the device takes, and whole pages */
	unsigned long max_pages = max(1, dma_get_max_seg_size(buf->dev) >>
					 PAGE_SHIFT);
	unsigned long max_len = max_pages << PAGE_SHIFT;
	unsigned int i, offset = buf->offset;
	unsigned long left = buf->size;
	struct scatterlist *sg;
	int ret;

	ret = sg_alloc_table(&buf->sg_table,
			     vb2_dma_pfn_count_entries(buf, max_pages),
			     GFP_KERNEL);
	if (ret)
		return ret;

	sg = buf->sg_table.sgl;
	for (i = 0; !ret && i < buf->range.nr_runs; i++) {
		const struct user_pfn_run *run = &buf->range.runs[i];
		unsigned long len = min(left, (run->nr_pages << PAGE_SHIFT) -
					      offset);
		unsigned long pfn = run->pfn;

		left -= len;
		for (; !ret && len > max_len - offset; sg = sg_next(sg)) {
			ret = vb2_dma_pfn_set_entry(buf, sg, run->kind, pfn,
						    max_len - offset, offset);
			len -= max_len - offset;
			pfn += max_pages;
			offset = 0;
		}
		if (!ret)
			ret = vb2_dma_pfn_set_entry(buf, sg, run->kind, pfn,
						    len, offset);
		sg = sg_next(sg);
		offset = 0;
	}
	if (ret)
		sg_free_table(&buf->sg_table);

	return ret;
}

static int vb2_dma_pfn_map_range(struct vb2_dma_pfn_buf *buf)
{
	const struct dma_user_alias alias = {
		.mm = buf->range.notifier.mm,
		.addr = buf->range.start + buf->offset,
	};
	int ret;

	if (!buf->uses_dma)
		return 0;

	ret = vb2_dma_pfn_fill_table(buf);
	if (ret)
		return ret;

	/* only the pfn of a BAR is known here, not whose it is */
	if (!user_pfn_range_is_pinned(&buf->range))
		ret = pci_p2pdma_route_sgtable(buf->dev, &buf->sg_table);
	if (ret) {
		dev_dbg(buf->dev, "the device can't reach its peer: %d\n", ret);
		goto err_free_table;
	}

	ret = dma_map_sgtable_user(buf->dev, &buf->sg_table, buf->dma_dir,
				   VB2_DMA_PFN_USER_ATTRS, &alias);
	if (ret) {
		dev_dbg(buf->dev, "the device can't reach the memory: %d\n",
			ret);
		goto err_free_table;
	}

	if (vb2_dma_pfn_needs_contiguous(buf->vb) &&
	    !vb2_dma_pfn_is_contiguous(&buf->sg_table, buf->size)) {
		dev_dbg(buf->dev, "the memory is not contiguous\n");
		ret = -EFAULT;
		goto err_unmap;
	}

	buf->dma_sgt = &buf->sg_table;
	return 0;

err_unmap:
	dma_unmap_sgtable(buf->dev, &buf->sg_table, buf->dma_dir,
			  VB2_DMA_PFN_USER_ATTRS);
err_free_table:
	sg_free_table(&buf->sg_table);
	return ret;
}

static void vb2_dma_pfn_unmap_range(struct vb2_dma_pfn_buf *buf)
{
	if (!buf->uses_dma)
		return;

	dma_unmap_sgtable(buf->dev, buf->dma_sgt, buf->dma_dir,
			  VB2_DMA_PFN_USER_ATTRS);
	sg_free_table(buf->dma_sgt);
}

static void *vb2_dma_pfn_get_userptr(struct vb2_buffer *vb, struct device *dev,
				     unsigned long vaddr, unsigned long size)
{
	struct vb2_dma_pfn_buf *buf;
	int ret;

	buf = vb2_dma_pfn_buf_create(vb, dev, VB2_MEMORY_USERPTR, size);
	if (IS_ERR(buf))
		return buf;
	buf->offset = offset_in_page(vaddr);

	if (buf->uses_dma &&
	    !IS_ALIGNED(vaddr | size, dma_get_cache_alignment())) {
		dev_dbg(dev, "user memory %#lx+%#lx is not aligned to %d\n",
			vaddr, size, dma_get_cache_alignment());
		ret = -EINVAL;
		goto err_destroy;
	}

	ret = user_pfn_range_init(&buf->range, dev, vaddr, size,
				  buf->dma_dir != DMA_TO_DEVICE,
				  &vb2_dma_pfn_range_ops);
	if (ret)
		goto err_destroy;

	for (;;) {
		ret = user_pfn_range_lookup(&buf->range);
		if (ret)
			goto err_release;

		ret = vb2_dma_pfn_check_range(buf);
		if (ret)
			goto err_release;

		ret = vb2_dma_pfn_map_range(buf);
		if (ret)
			goto err_release;

		ret = vb2_dma_pfn_check_revocable(buf);
		if (!ret && user_pfn_range_commit(&buf->range))
			return buf;

		vb2_dma_pfn_unmap_range(buf);
		if (ret)
			goto err_release;
	}

err_release:
	user_pfn_range_unwatch(&buf->range);
	user_pfn_range_release(&buf->range, false);
err_destroy:
	vb2_dma_pfn_buf_destroy(buf);
	return ERR_PTR(ret);
}

static void vb2_dma_pfn_put_userptr(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	/* the revocation works on the DMA mapping */
	user_pfn_range_unwatch(&buf->range);
	if (buf->vaddr)
		vunmap(buf->vaddr);
	vb2_dma_pfn_unmap_range(buf);
	user_pfn_range_release(&buf->range, buf->dma_dir != DMA_TO_DEVICE);
	vb2_dma_pfn_buf_destroy(buf);
}

/* Ordinary memory has one protection, and its pages are mapped faster than ranges. */
static void *vb2_dma_pfn_vmap_pinned(struct vb2_dma_pfn_buf *buf)
{
	unsigned int i, j, n = 0, nr = vb2_dma_pfn_range_pages(buf);
	struct page **pages;
	void *vaddr;

	pages = kvmalloc_objs(*pages, nr);
	if (!pages)
		return NULL;

	for (i = 0; i < buf->range.nr_runs; i++) {
		struct page *page = pfn_to_page(buf->range.runs[i].pfn);

		for (j = 0; j < buf->range.runs[i].nr_pages; j++)
			pages[n++] = page++;
	}
	vaddr = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);

	return vaddr;
}

static void *vb2_dma_pfn_vmap_range(struct vb2_dma_pfn_buf *buf)
{
	unsigned int i, nr = buf->range.nr_runs;
	struct vmap_phys_range *ranges;
	void *vaddr;

	if (user_pfn_range_is_pinned(&buf->range))
		return vb2_dma_pfn_vmap_pinned(buf);

	ranges = kvmalloc_objs(*ranges, nr);
	if (!ranges)
		return NULL;

	for (i = 0; i < nr; i++) {
		ranges[i].phys = PFN_PHYS(buf->range.runs[i].pfn);
		ranges[i].size = PFN_PHYS(buf->range.runs[i].nr_pages);
		ranges[i].prot = buf->range.runs[i].prot;
	}
	vaddr = vmap_phys_ranges(ranges, nr);
	kvfree(ranges);

	return vaddr;
}

/*********************************************/
/*     callbacks for all kinds of buffers    */
/*********************************************/

/*
 * Run @sync, unless somebody else owns the memory by now: to invalidate his
 * cache lines or to write a bounce buffer back would be a stray write. The lock
 * keeps the revocation out until it is done.
 */
static void vb2_dma_pfn_sync(struct vb2_dma_pfn_buf *buf,
			     void (*sync)(struct device *dev,
					  struct sg_table *sgt,
					  enum dma_data_direction dir))
{
	unsigned long flags;

	/* coherent, and nothing was bounced: there is nothing to keep apart */
	if (!buf->uses_dma || !dma_dev_need_sync(buf->dev))
		return;

	switch (buf->memory) {
	case VB2_MEMORY_USERPTR:
		if (user_pfn_range_is_pinned(&buf->range))
			break;
		spin_lock_irqsave(&buf->range.lock, flags);
		if (!user_pfn_range_revoked(&buf->range))
			sync(buf->dev, buf->dma_sgt, buf->dma_dir);
		spin_unlock_irqrestore(&buf->range.lock, flags);
		return;
	case VB2_MEMORY_DMABUF:
		/* the exporter takes care of that */
		return;
	default:
		break;
	}

	sync(buf->dev, buf->dma_sgt, buf->dma_dir);
}

static void vb2_dma_pfn_prepare(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	if (!buf->vb->skip_cache_sync_on_prepare)
		vb2_dma_pfn_sync(buf, dma_sync_sgtable_for_device);
}

static void vb2_dma_pfn_finish(void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	if (!buf->vb->skip_cache_sync_on_finish)
		vb2_dma_pfn_sync(buf, dma_sync_sgtable_for_cpu);
}

static void *vb2_dma_pfn_map_kernel(struct vb2_dma_pfn_buf *buf)
{
	switch (buf->memory) {
	case VB2_MEMORY_MMAP:
		if (buf->pages)
			return vm_map_ram(buf->pages, buf->num_pages, -1);
		return dma_vmap_noncontiguous(buf->dev, buf->size,
					      buf->dma_sgt);
	case VB2_MEMORY_USERPTR:
		return vb2_dma_pfn_vmap_range(buf);
	case VB2_MEMORY_DMABUF:
		if (dma_buf_vmap_unlocked(buf->dbuf, &buf->db_map))
			return NULL;
		/* I/O memory is filled as that of a USERPTR buffer is */
		return buf->db_map.is_iomem ?
			(void __force *)buf->db_map.vaddr_iomem :
			buf->db_map.vaddr;
	default:
		return NULL;
	}
}

static void vb2_dma_pfn_set_vaddr(struct vb2_dma_pfn_buf *buf, void *vaddr)
{
	if (buf->memory != VB2_MEMORY_USERPTR) {
		WRITE_ONCE(buf->vaddr, vaddr);
		return;
	}

	/* see vb2_dma_pfn_revoke_range() */
	guard(spinlock_irqsave)(&buf->range.lock);
	WRITE_ONCE(buf->vaddr, vaddr);
}

/*
 * The mapping is made when it is asked for first, as most devices have no use
 * for it, and stays until the buffer is put.
 */
static void *vb2_dma_pfn_get_vaddr(struct vb2_dma_pfn_buf *buf)
{
	void *vaddr = READ_ONCE(buf->vaddr);

	if (buf->device_only) {
		dev_dbg(buf->dev, "no buf_revoke() to keep the CPU out of memory that is taken away\n");
		return NULL;
	}

	if (!vaddr) {
		/* a dma-buf that is mapped here may be an MMAP buffer of dma-pfn */
		mutex_lock_nested(&buf->vaddr_lock,
				  buf->memory == VB2_MEMORY_MMAP);
		if (!buf->vaddr)
			vb2_dma_pfn_set_vaddr(buf, vb2_dma_pfn_map_kernel(buf));
		vaddr = buf->vaddr;
		mutex_unlock(&buf->vaddr_lock);
	}

	return vaddr ? vaddr + buf->offset : NULL;
}

static void *vb2_dma_pfn_vaddr(struct vb2_buffer *vb, void *buf_priv)
{
	return vb2_dma_pfn_get_vaddr(buf_priv);
}

static void *vb2_dma_pfn_cookie(struct vb2_buffer *vb, void *buf_priv)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;

	return buf->uses_dma ? buf->dma_sgt : NULL;
}

/*********************************************/
/*         DMABUF ops for exporters          */
/*********************************************/

struct vb2_dma_pfn_attachment {
	struct sg_table sgt;
	enum dma_data_direction dma_dir;
};

/* The same memory in entries that are no longer than the device takes, and whole pages */
static int vb2_dma_pfn_copy_table(struct sg_table *to, struct sg_table *from,
				  struct device *dev)
{
	unsigned int max_len = max(dma_get_max_seg_size(dev) & PAGE_MASK,
				   PAGE_SIZE);
	unsigned int i, nents = 0, done, len;
	struct scatterlist *rd, *wr;
	int ret;

	/* not DIV_ROUND_UP(), which overflows if max_len is near UINT_MAX */
	for_each_sgtable_sg(from, rd, i)
		nents += (rd->length - 1) / max_len + 1;
	ret = sg_alloc_table(to, nents, GFP_KERNEL);
	if (ret)
		return ret;

	wr = to->sgl;
	for_each_sgtable_sg(from, rd, i) {
		for (done = 0; done < rd->length; done += len) {
			len = min(rd->length - done, max_len);
			sg_set_page(wr, sg_page(rd) + (done >> PAGE_SHIFT), len,
				    rd->offset);
			wr = sg_next(wr);
		}
	}

	return 0;
}

static int vb2_dma_pfn_dmabuf_ops_attach(struct dma_buf *dbuf,
					 struct dma_buf_attachment *db_attach)
{
	struct vb2_dma_pfn_buf *buf = dbuf->priv;
	struct vb2_dma_pfn_attachment *attach;
	int ret;

	attach = kzalloc_obj(*attach);
	if (!attach)
		return -ENOMEM;

	/* one scatterlist can't be mapped for several devices at once */
	ret = vb2_dma_pfn_copy_table(&attach->sgt, buf->dma_sgt, db_attach->dev);
	if (ret) {
		kfree(attach);
		return ret;
	}

	attach->dma_dir = DMA_NONE;
	db_attach->priv = attach;

	return 0;
}

static void vb2_dma_pfn_attachment_unmap(struct dma_buf_attachment *db_attach)
{
	struct vb2_dma_pfn_attachment *attach = db_attach->priv;

	if (attach->dma_dir == DMA_NONE)
		return;

	dma_unmap_sgtable(db_attach->dev, &attach->sgt, attach->dma_dir, 0);
	attach->dma_dir = DMA_NONE;
}

static void vb2_dma_pfn_dmabuf_ops_detach(struct dma_buf *dbuf,
					  struct dma_buf_attachment *db_attach)
{
	struct vb2_dma_pfn_attachment *attach = db_attach->priv;

	vb2_dma_pfn_attachment_unmap(db_attach);
	sg_free_table(&attach->sgt);
	kfree(attach);
}

static struct sg_table *
vb2_dma_pfn_dmabuf_ops_map(struct dma_buf_attachment *db_attach,
			   enum dma_data_direction dma_dir)
{
	struct vb2_dma_pfn_attachment *attach = db_attach->priv;
	int ret;

	/* the mapping is kept until the direction changes */
	if (attach->dma_dir == dma_dir)
		return &attach->sgt;

	vb2_dma_pfn_attachment_unmap(db_attach);
	/* applications pass it to any device, out of whose reach it may be */
	ret = dma_map_sgtable(db_attach->dev, &attach->sgt, dma_dir,
			      DMA_ATTR_NO_WARN);
	if (ret)
		return ERR_PTR(ret);
	attach->dma_dir = dma_dir;

	return &attach->sgt;
}

static void vb2_dma_pfn_dmabuf_ops_unmap(struct dma_buf_attachment *db_attach,
					 struct sg_table *sgt,
					 enum dma_data_direction dma_dir)
{
	/* kept, see map */
}

static void vb2_dma_pfn_dmabuf_ops_release(struct dma_buf *dbuf)
{
	/* drop reference obtained in vb2_dma_pfn_get_dmabuf */
	vb2_dma_pfn_put(dbuf->priv);
}

static int vb2_dma_pfn_dmabuf_ops_begin_cpu_access(struct dma_buf *dbuf,
						   enum dma_data_direction dir)
{
	vb2_dma_pfn_sync(dbuf->priv, dma_sync_sgtable_for_cpu);
	return 0;
}

static int vb2_dma_pfn_dmabuf_ops_end_cpu_access(struct dma_buf *dbuf,
						 enum dma_data_direction dir)
{
	vb2_dma_pfn_sync(dbuf->priv, dma_sync_sgtable_for_device);
	return 0;
}

static int vb2_dma_pfn_dmabuf_ops_vmap(struct dma_buf *dbuf,
				       struct iosys_map *map)
{
	void *vaddr = vb2_dma_pfn_get_vaddr(dbuf->priv);

	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);

	return 0;
}

static int vb2_dma_pfn_dmabuf_ops_mmap(struct dma_buf *dbuf,
				       struct vm_area_struct *vma)
{
	return vb2_dma_pfn_mmap(dbuf->priv, vma);
}

static const struct dma_buf_ops vb2_dma_pfn_dmabuf_ops = {
	.attach = vb2_dma_pfn_dmabuf_ops_attach,
	.detach = vb2_dma_pfn_dmabuf_ops_detach,
	.map_dma_buf = vb2_dma_pfn_dmabuf_ops_map,
	.unmap_dma_buf = vb2_dma_pfn_dmabuf_ops_unmap,
	.begin_cpu_access = vb2_dma_pfn_dmabuf_ops_begin_cpu_access,
	.end_cpu_access = vb2_dma_pfn_dmabuf_ops_end_cpu_access,
	.vmap = vb2_dma_pfn_dmabuf_ops_vmap,
	.mmap = vb2_dma_pfn_dmabuf_ops_mmap,
	.release = vb2_dma_pfn_dmabuf_ops_release,
};

static struct dma_buf *vb2_dma_pfn_get_dmabuf(struct vb2_buffer *vb,
					      void *buf_priv,
					      unsigned long flags)
{
	struct vb2_dma_pfn_buf *buf = buf_priv;
	struct dma_buf *dbuf;
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);

	exp_info.ops = &vb2_dma_pfn_dmabuf_ops;
	exp_info.size = buf->size;
	exp_info.flags = flags;
	exp_info.priv = buf;

	dbuf = dma_buf_export(&exp_info);
	if (IS_ERR(dbuf))
		return NULL;

	/* dmabuf keeps reference to vb2 buffer */
	refcount_inc(&buf->refcount);

	return dbuf;
}

/*********************************************/
/*       callbacks for DMABUF buffers        */
/*********************************************/

/* Give the exporter's mapping back. Called with the reservation lock held. */
static void vb2_dma_pfn_unmap_attachment(struct vb2_dma_pfn_buf *buf)
{
	if (!buf->db_sgt)
		return;

	dma_buf_unmap_attachment(buf->db_attach, buf->db_sgt, buf->dma_dir);
	if (buf->db_attach->importer_ops)
		dma_buf_unpin(buf->db_attach);
	buf->db_sgt = NULL;
}

/*
 * The exporter wants its memory back: a BAR is being disabled, a device unbound.
 * Once the device has stopped there is no reason to keep the mapping, and the
 * exporter may be waiting for its end.
 */
static void
vb2_dma_pfn_invalidate_mappings(struct dma_buf_attachment *db_attach)
{
	struct vb2_dma_pfn_buf *buf = db_attach->importer_priv;

	dma_resv_assert_held(db_attach->dmabuf->resv);

	if (!buf->db_sgt)
		return;

	WRITE_ONCE(buf->db_revoked, true);
	WARN_ON_ONCE(vb2_dma_pfn_revoke(buf, true));
	vb2_dma_pfn_unmap_attachment(buf);
}

static const struct dma_buf_attach_ops vb2_dma_pfn_attach_ops = {
	.allow_peer2peer = true,
	.invalidate_mappings = vb2_dma_pfn_invalidate_mappings,
};

/* Copy the DMA addresses of @from; there are no pages in the copy. */
static int vb2_dma_pfn_copy_dma(struct sg_table *to, struct sg_table *from)
{
	struct scatterlist *rd, *wr;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(to, from->nents, GFP_KERNEL);
	if (ret)
		return ret;

	wr = to->sgl;
	for_each_sgtable_dma_sg(from, rd, i) {
		wr->length = sg_dma_len(rd);
		sg_dma_address(wr) = sg_dma_address(rd);
		sg_dma_len(wr) = sg_dma_len(rd);
		wr = sg_next(wr);
	}

	return 0;
}

static int vb2_dma_pfn_map_attachment(struct vb2_dma_pfn_buf *buf)
{
	struct dma_buf_attachment *db_attach = buf->db_attach;
	struct sg_table *sgt;
	long ret;

	dma_resv_assert_held(db_attach->dmabuf->resv);

	/* the picture can't wait for the memory to be moved back and forth */
	if (db_attach->importer_ops) {
		ret = dma_buf_pin(db_attach);
		if (ret)
			return ret;
	}

	sgt = dma_buf_map_attachment(db_attach, buf->dma_dir);
	if (IS_ERR(sgt)) {
		if (db_attach->importer_ops)
			dma_buf_unpin(db_attach);
		return PTR_ERR(sgt);
	}
	buf->db_sgt = sgt;
	buf->db_revoked = false;

	/* the exporter may still be moving it here */
	ret = dma_resv_wait_timeout(db_attach->dmabuf->resv,
				    DMA_RESV_USAGE_KERNEL, true,
				    MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		goto err_unmap;

	ret = -EFAULT;
	if (vb2_dma_pfn_needs_contiguous(buf->vb) &&
	    !vb2_dma_pfn_is_contiguous(sgt, buf->size))
		goto err_unmap;

	ret = vb2_dma_pfn_copy_dma(&buf->sg_table, sgt);
	if (ret)
		goto err_unmap;

	buf->dma_sgt = &buf->sg_table;
	return 0;

err_unmap:
	vb2_dma_pfn_unmap_attachment(buf);
	return ret;
}

static int vb2_dma_pfn_map_dmabuf(void *mem_priv)
{
	struct vb2_dma_pfn_buf *buf = mem_priv;
	int ret;

	if (buf->uses_dma) {
		dma_resv_lock(buf->dbuf->resv, NULL);
		ret = vb2_dma_pfn_map_attachment(buf);
		dma_resv_unlock(buf->dbuf->resv);
	} else {
		ret = vb2_dma_pfn_get_vaddr(buf) ? 0 : -EFAULT;
	}
	if (ret)
		dev_dbg(buf->dev, "dma-buf can't be mapped: %d\n", ret);

	return ret;
}

static void vb2_dma_pfn_unmap_dmabuf(void *mem_priv)
{
	struct vb2_dma_pfn_buf *buf = mem_priv;

	if (buf->vaddr) {
		dma_buf_vunmap_unlocked(buf->dbuf, &buf->db_map);
		buf->vaddr = NULL;
	}
	if (!buf->uses_dma)
		return;

	dma_resv_lock(buf->dbuf->resv, NULL);
	vb2_dma_pfn_unmap_attachment(buf);
	dma_resv_unlock(buf->dbuf->resv);

	sg_free_table(&buf->sg_table);
	buf->dma_sgt = NULL;
}

static void vb2_dma_pfn_detach_dmabuf(void *mem_priv)
{
	struct vb2_dma_pfn_buf *buf = mem_priv;

	/* if vb2 works correctly you should never detach mapped buffer */
	if (WARN_ON(buf->dma_sgt || buf->vaddr))
		vb2_dma_pfn_unmap_dmabuf(buf);

	if (buf->db_attach)
		dma_buf_detach(buf->dbuf, buf->db_attach);
	vb2_dma_pfn_buf_destroy(buf);
}

static void *vb2_dma_pfn_attach_dmabuf(struct vb2_buffer *vb,
				       struct device *dev, struct dma_buf *dbuf,
				       unsigned long size)
{
	const struct dma_buf_attach_ops *ops = NULL;
	struct dma_buf_attachment *db_attach;
	struct vb2_dma_pfn_buf *buf;

	if (dbuf->size < size)
		return ERR_PTR(-EFAULT);

	buf = vb2_dma_pfn_buf_create(vb, dev, VB2_MEMORY_DMABUF, size);
	if (IS_ERR(buf))
		return buf;
	buf->dbuf = dbuf;

	/* the CPU needs the exporter's kernel mapping only */
	if (!buf->uses_dma)
		return buf;

	/* without it the exporter has to keep the memory where it is */
	if (vb->vb2_queue->ops->buf_revoke)
		ops = &vb2_dma_pfn_attach_ops;

	db_attach = dma_buf_dynamic_attach(dbuf, dev, ops, buf);
	if (IS_ERR(db_attach)) {
		dev_dbg(dev, "dma-buf can't be attached: %pe\n", db_attach);
		vb2_dma_pfn_buf_destroy(buf);
		return db_attach;
	}
	buf->db_attach = db_attach;

	return buf;
}

const struct vb2_mem_ops vb2_dma_pfn_memops = {
	.alloc		= vb2_dma_pfn_alloc,
	.put		= vb2_dma_pfn_put,
	.get_userptr	= vb2_dma_pfn_get_userptr,
	.put_userptr	= vb2_dma_pfn_put_userptr,
	.prepare	= vb2_dma_pfn_prepare,
	.finish		= vb2_dma_pfn_finish,
	.vaddr		= vb2_dma_pfn_vaddr,
	.cookie		= vb2_dma_pfn_cookie,
	.mmap		= vb2_dma_pfn_mmap,
	.num_users	= vb2_dma_pfn_num_users,
	.stale		= vb2_dma_pfn_stale,
	.revoked	= vb2_dma_pfn_revoked,
	.get_dmabuf	= vb2_dma_pfn_get_dmabuf,
	.map_dmabuf	= vb2_dma_pfn_map_dmabuf,
	.unmap_dmabuf	= vb2_dma_pfn_unmap_dmabuf,
	.attach_dmabuf	= vb2_dma_pfn_attach_dmabuf,
	.detach_dmabuf	= vb2_dma_pfn_detach_dmabuf,
};
EXPORT_SYMBOL_GPL(vb2_dma_pfn_memops);

MODULE_DESCRIPTION("Memory allocator of videobuf2 for memory with and without pages");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is taken away from a capture driver
 *
 * A driver that implements &vb2_ops.buf_revoke promises that nothing writes to the
 * memory of a buffer any more when the op has returned. This is the other party of
 * that promise, an owner of memory who relies on it. He lets user space map his
 * pages by their page frame numbers, so that nobody can pin them, and takes them
 * back when he is told to, by unmap_mapping_range(). All MMU notifiers have been
 * waited for then, and with them the driver. From there on the memory is his: he
 * fills it with a pattern that no device captures by chance, and whatever differs
 * from it later is a stray write, as nobody else can get there.
 *
 * tools/testing/selftests/media_tests/buf_revoke.c is what uses it.
 */
#include <linux/anon_inodes.h>
#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vb2_revoke.h"

#define WORDS_PER_PAGE	(PAGE_SIZE / sizeof(u64))

/**
 * struct vb2_revoke - memory of some buffers
 * @pages: all pages, those of one buffer behind those of the other
 * @pages_per_buffer: number of pages of a buffer
 * @num_buffers: number of buffers
 * @contiguous: the pages of a buffer were allocated in one piece
 * @taken: the buffers that have been taken away
 * @lock: protects @taken; taken by page faults
 * @keys: what makes the pattern of each buffer another one each time
 * @memory_lock: held while memory that is taken is filled or looked at
 */
struct vb2_revoke {
	struct page **pages;
	unsigned long pages_per_buffer;
	unsigned int num_buffers;
	bool contiguous;
	DECLARE_BITMAP(taken, VB2_REVOKE_MAX_BUFFERS);
	struct mutex lock;		/* for taken */
	u64 keys[VB2_REVOKE_MAX_BUFFERS];
	struct mutex memory_lock;	/* for what is in the memory */
};

/*
 * The memory. 32-bit devices have to reach it.
 */

#define VB2_REVOKE_GFP	(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO | __GFP_NOWARN)

static struct page **vb2_revoke_pages(struct vb2_revoke *rv,
				      unsigned int buffer)
{
	return rv->pages + buffer * rv->pages_per_buffer;
}

static void vb2_revoke_free_buffer(struct vb2_revoke *rv, unsigned int buffer)
{
	struct page **pages = vb2_revoke_pages(rv, buffer);
	unsigned long i;

	if (rv->contiguous && pages[0]) {
		free_pages_exact(page_address(pages[0]),
				 rv->pages_per_buffer << PAGE_SHIFT);
		return;
	}

	for (i = 0; i < rv->pages_per_buffer && pages[i]; i++)
		__free_page(pages[i]);
}

static void vb2_revoke_free(struct vb2_revoke *rv)
{
	unsigned int buffer;

	for (buffer = 0; buffer < rv->num_buffers; buffer++)
		vb2_revoke_free_buffer(rv, buffer);
	kvfree(rv->pages);
	mutex_destroy(&rv->memory_lock);
	mutex_destroy(&rv->lock);
	kfree(rv);
}

static int vb2_revoke_alloc_contiguous(struct vb2_revoke *rv,
				       struct page **pages)
{
	void *vaddr = alloc_pages_exact(rv->pages_per_buffer << PAGE_SHIFT,
					VB2_REVOKE_GFP);
	unsigned long i;

	if (!vaddr)
		return -ENOMEM;

	for (i = 0; i < rv->pages_per_buffer; i++)
		pages[i] = virt_to_page(vaddr + (i << PAGE_SHIFT));
	return 0;
}

static int vb2_revoke_alloc_scattered(struct vb2_revoke *rv,
				      struct page **pages)
{
	unsigned long i;

	for (i = 0; i < rv->pages_per_buffer; i++) {
		pages[i] = alloc_page(VB2_REVOKE_GFP);
		if (!pages[i])
			return -ENOMEM;
	}

	/* pages that were allocated in a row are often neighbours */
	for (i = 1; i < rv->pages_per_buffer; i += 2)
		swap(pages[i - 1], pages[i]);
	return 0;
}

static int vb2_revoke_alloc(struct vb2_revoke *rv)
{
	unsigned int buffer;
	int ret = 0;

	rv->pages = kvcalloc(rv->num_buffers,
			     array_size(rv->pages_per_buffer,
					sizeof(*rv->pages)), GFP_KERNEL);
	if (!rv->pages) {
		rv->num_buffers = 0;
		return -ENOMEM;
	}

	for (buffer = 0; !ret && buffer < rv->num_buffers; buffer++) {
		struct page **pages = vb2_revoke_pages(rv, buffer);

		ret = rv->contiguous ? vb2_revoke_alloc_contiguous(rv, pages) :
				       vb2_revoke_alloc_scattered(rv, pages);
	}
	return ret;
}

/*
 * Those who map it
 */

static vm_fault_t vb2_revoke_fault(struct vm_fault *vmf)
{
	struct vb2_revoke *rv = vmf->vma->vm_private_data;

	guard(mutex)(&rv->lock);
	if (test_bit(vmf->pgoff / rv->pages_per_buffer, rv->taken))
		return VM_FAULT_SIGBUS;

	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(rv->pages[vmf->pgoff]));
}

static const struct vm_operations_struct vb2_revoke_vm_ops = {
	.fault = vb2_revoke_fault,
};

static int vb2_revoke_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vb2_revoke *rv = file->private_data;
	unsigned long nr = rv->num_buffers * rv->pages_per_buffer;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= nr ||
	    vma_pages(vma) > nr - vma->vm_pgoff)
		return -EINVAL;

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = rv;
	vma->vm_ops = &vb2_revoke_vm_ops;
	return 0;
}

/*
 * Taking it away
 */

static u64 vb2_revoke_word(const struct vb2_revoke *rv, unsigned int buffer,
			   unsigned long index)
{
	return ((index + 1) * GOLDEN_RATIO_64) ^ rv->keys[buffer];
}

static u64 *vb2_revoke_page(struct vb2_revoke *rv, unsigned int buffer,
			    unsigned long page)
{
	return page_address(vb2_revoke_pages(rv, buffer)[page]);
}

/*
 * A word of each page, which takes microseconds: a driver that still writes, and
 * will have finished soon, goes over it. From the end to the beginning, as writers
 * go the other way.
 */
static void vb2_revoke_stamp(struct vb2_revoke *rv, unsigned int buffer)
{
	unsigned long page = rv->pages_per_buffer;

	while (page--) {
		unsigned long last = (page + 1) * WORDS_PER_PAGE - 1;

		WRITE_ONCE(vb2_revoke_page(rv, buffer, page)[WORDS_PER_PAGE - 1],
			   vb2_revoke_word(rv, buffer, last));
	}
}

/* All the others */
static void vb2_revoke_fill(struct vb2_revoke *rv, unsigned int buffer)
{
	unsigned long page = rv->pages_per_buffer;
	unsigned long i;

	while (page--) {
		u64 *words = vb2_revoke_page(rv, buffer, page);
		unsigned long index = page * WORDS_PER_PAGE;

		for (i = 0; i < WORDS_PER_PAGE - 1; i++)
			WRITE_ONCE(words[i],
				   vb2_revoke_word(rv, buffer, index + i));
		cond_resched();
	}
}

static int vb2_revoke_get_mask(const struct vb2_revoke *rv, u32 buffers,
			       unsigned long *mask)
{
	if (!buffers || buffers >> (rv->num_buffers - 1) > 1)
		return -EINVAL;

	bitmap_from_arr32(mask, &buffers, VB2_REVOKE_MAX_BUFFERS);
	return 0;
}

static int vb2_revoke_take(struct vb2_revoke *rv, struct address_space *mapping,
			   struct vb2_revoke_take *take)
{
	DECLARE_BITMAP(mask, VB2_REVOKE_MAX_BUFFERS);
	loff_t size = (loff_t)rv->pages_per_buffer << PAGE_SHIFT;
	unsigned int first, end, buffer;
	u64 begin;
	int ret;

	ret = vb2_revoke_get_mask(rv, take->buffers, mask);
	if (ret || take->reserved)
		return -EINVAL;

	guard(mutex)(&rv->memory_lock);
	scoped_guard(mutex, &rv->lock)
		bitmap_or(rv->taken, rv->taken, mask, VB2_REVOKE_MAX_BUFFERS);
	for_each_set_bit(buffer, mask, VB2_REVOKE_MAX_BUFFERS)
		rv->keys[buffer] = get_random_u64();

	/* page faults fail by now */
	begin = ktime_get_ns();
	for_each_set_bitrange(first, end, mask, VB2_REVOKE_MAX_BUFFERS)
		unmap_mapping_range(mapping, first * size,
				    (end - first) * size, 1);
	take->took_ns = ktime_get_ns() - begin;

	for_each_set_bit(buffer, mask, VB2_REVOKE_MAX_BUFFERS)
		vb2_revoke_stamp(rv, buffer);
	for_each_set_bit(buffer, mask, VB2_REVOKE_MAX_BUFFERS)
		vb2_revoke_fill(rv, buffer);
	return 0;
}

static unsigned int vb2_revoke_changed_bytes(u64 difference)
{
	unsigned int i, changed = 0;

	for (i = 0; i < sizeof(difference); i++, difference >>= 8)
		changed += (difference & 0xff) != 0;
	return changed;
}

static void vb2_revoke_check_page(struct vb2_revoke *rv, unsigned long page,
				  struct vb2_revoke_check *check)
{
	const u64 *words = vb2_revoke_page(rv, check->buffer, page);
	unsigned long i;

	for (i = 0; i < WORDS_PER_PAGE; i++) {
		unsigned long index = page * WORDS_PER_PAGE + i;
		u64 difference = READ_ONCE(words[i]) ^
				 vb2_revoke_word(rv, check->buffer, index);

		if (!difference)
			continue;
		if (!check->changed)
			check->first = index * sizeof(u64);
		check->last = (index + 1) * sizeof(u64) - 1;
		check->changed += vb2_revoke_changed_bytes(difference);
	}
}

static int vb2_revoke_check(struct vb2_revoke *rv,
			    struct vb2_revoke_check *check)
{
	unsigned long page;

	if (check->buffer >= rv->num_buffers || check->reserved)
		return -EINVAL;
	check->changed = 0;
	check->first = 0;
	check->last = 0;

	guard(mutex)(&rv->memory_lock);
	/* nobody gives or takes while this one is held */
	if (!test_bit(check->buffer, rv->taken))
		return -EINVAL;
	for (page = 0; page < rv->pages_per_buffer; page++) {
		vb2_revoke_check_page(rv, page, check);
		cond_resched();
	}
	return 0;
}

static int vb2_revoke_give(struct vb2_revoke *rv, u32 buffers)
{
	DECLARE_BITMAP(mask, VB2_REVOKE_MAX_BUFFERS);
	int ret;

	ret = vb2_revoke_get_mask(rv, buffers, mask);
	if (ret)
		return ret;

	guard(mutex)(&rv->memory_lock);
	guard(mutex)(&rv->lock);
	bitmap_andnot(rv->taken, rv->taken, mask, VB2_REVOKE_MAX_BUFFERS);
	return 0;
}

static long vb2_revoke_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	struct vb2_revoke *rv = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct vb2_revoke_check check;
	struct vb2_revoke_take take;
	u32 buffers;
	int ret;

	switch (cmd) {
	case VB2_REVOKE_TAKE:
		if (copy_from_user(&take, uarg, sizeof(take)))
			return -EFAULT;
		ret = vb2_revoke_take(rv, file->f_mapping, &take);
		if (!ret && copy_to_user(uarg, &take, sizeof(take)))
			ret = -EFAULT;
		return ret;
	case VB2_REVOKE_CHECK:
		if (copy_from_user(&check, uarg, sizeof(check)))
			return -EFAULT;
		ret = vb2_revoke_check(rv, &check);
		if (!ret && copy_to_user(uarg, &check, sizeof(check)))
			ret = -EFAULT;
		return ret;
	case VB2_REVOKE_GIVE:
		if (copy_from_user(&buffers, uarg, sizeof(buffers)))
			return -EFAULT;
		return vb2_revoke_give(rv, buffers);
	default:
		return -ENOTTY;
	}
}

static int vb2_revoke_release(struct inode *inode, struct file *file)
{
	vb2_revoke_free(file->private_data);
	return 0;
}

static const struct file_operations vb2_revoke_fops = {
	.owner = THIS_MODULE,
	.release = vb2_revoke_release,
	.unlocked_ioctl = vb2_revoke_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vb2_revoke_mmap,
};

/*
 * Making it
 */

static int vb2_revoke_install(struct vb2_revoke *rv)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	/* with an inode of its own, and so with mappings of its own */
	file = anon_inode_create_getfile("[vb2_revoke]", &vb2_revoke_fops, rv,
					 O_RDWR, NULL);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

static long vb2_revoke_create(const struct vb2_revoke_create *create)
{
	struct vb2_revoke *rv;
	int ret;

	if (!create->size || !PAGE_ALIGNED(create->size) ||
	    create->size > SZ_1G || !create->num_buffers ||
	    create->num_buffers > VB2_REVOKE_MAX_BUFFERS ||
	    create->flags & ~VB2_REVOKE_CONTIGUOUS)
		return -EINVAL;

	rv = kzalloc_obj(*rv);
	if (!rv)
		return -ENOMEM;
	mutex_init(&rv->lock);
	mutex_init(&rv->memory_lock);
	rv->pages_per_buffer = create->size >> PAGE_SHIFT;
	rv->num_buffers = create->num_buffers;
	rv->contiguous = create->flags & VB2_REVOKE_CONTIGUOUS;

	ret = vb2_revoke_alloc(rv);
	if (!ret)
		ret = vb2_revoke_install(rv);
	if (ret < 0)
		vb2_revoke_free(rv);
	return ret;
}

static long vb2_revoke_control(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct vb2_revoke_create create;

	if (cmd != VB2_REVOKE_CREATE)
		return -ENOTTY;
	if (copy_from_user(&create, (void __user *)arg, sizeof(create)))
		return -EFAULT;
	return vb2_revoke_create(&create);
}

static const struct file_operations vb2_revoke_control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vb2_revoke_control,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice vb2_revoke_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vb2_revoke",
	.fops = &vb2_revoke_control_fops,
	.mode = 0600,
};
module_misc_device(vb2_revoke_misc);

MODULE_DESCRIPTION("Memory that is taken away from a capture driver, for tests");
MODULE_LICENSE("GPL");

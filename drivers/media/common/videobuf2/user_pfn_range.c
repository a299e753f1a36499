// SPDX-License-Identifier: GPL-2.0-only
/*
 * A range of user memory, watched while a device uses it
 *
 * A device that works on memory of a process needs to know the page frames
 * behind a range of addresses, and for how long they are valid. Ordinary memory
 * is pinned. Memory that is mapped by its pfn can't be: there is no struct page
 * to take a reference on, or none that its owner would look at. Such memory may
 * be used as long as the mapping exists, and not a moment longer, so the range
 * is watched by an mmu_interval_notifier for all of its life.
 *
 * The rules of the race between a lookup and an invalidation are those of
 * mmu_interval_read_begin():
 *
 *   lookup                                 invalidation
 *   ------                                 ------------
 *   seq = mmu_interval_read_begin()
 *   walk, map for DMA                      spin_lock(&range->lock)
 *   spin_lock(&range->lock)                  mmu_interval_set_seq()
 *     mmu_interval_read_retry() ?            committed ? -> revoked
 *       yes: undo, start again             spin_unlock(&range->lock)
 *       no:  committed                     ops->revoke()
 *   spin_unlock(&range->lock)              the owner of the memory goes on
 *
 * Lock order: the caller's locks (vb2: the queue lock), then mmap_lock, then
 * the notifier, then whatever ops->revoke() takes, then range->lock.
 */

#include <linux/device.h>
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/module.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <media/user_pfn_range.h>

/* Pages to pin in one go; the array of their pointers fills one page. */
#define PIN_BATCH	(PAGE_SIZE / sizeof(struct page *))

/* How long to go on while the mappings change, as for HMM and its drivers. */
#define USER_PFN_RANGE_TIMEOUT_MS	1000

static bool same_prot(pgprot_t a, pgprot_t b)
{
	return pgprot_val(a) == pgprot_val(b);
}

/*
 * Protection of a kernel mapping that has the memory type of @user.
 *
 * There is no generic way to ask a pgprot_t for its memory type, but setting a
 * type that it has already does not change it.
 */
static pgprot_t kernel_prot(pgprot_t user)
{
	pgprot_t prot = PAGE_KERNEL;

	if (same_prot(user, pgprot_noncached(user)))
		prot = pgprot_noncached(prot);
	else if (same_prot(user, pgprot_device(user)))
		prot = pgprot_device(prot);
	else if (same_prot(user, pgprot_writecombine(user)))
		prot = pgprot_writecombine(prot);

	if (same_prot(user, pgprot_decrypted(user)))
		prot = pgprot_decrypted(prot);

	return prot;
}

/*
 * Does the kernel have an address for all of the page frames?
 *
 * pfn_valid() alone does not tell: it is true for RAM hidden by "mem=" on some
 * architectures, and for any hole in a memory section that is partly used.
 * What is in the linear map is registered as System RAM, which is how memremap()
 * decides too.
 */
static bool has_kernel_address(unsigned long pfn, unsigned long nr_pages)
{
	if (!pfn_valid(pfn) || !pfn_valid(pfn + nr_pages - 1))
		return false;

	return region_intersects(PFN_PHYS(pfn), PFN_PHYS(nr_pages),
				 IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	       REGION_INTERSECTS;
}

static bool can_append(const struct user_pfn_run *run,
		       const struct user_pfn_run *next)
{
	if (run->pfn + run->nr_pages != next->pfn || run->kind != next->kind ||
	    !same_prot(run->prot, next->prot))
		return false;

	/* without a virtual memmap the page structs may have a gap here */
	return run->kind == USER_PFN_PAGELESS ||
	       page_range_contiguous(pfn_to_page(run->pfn),
				     run->nr_pages + next->nr_pages);
}

/* Make room for @nr more runs. */
static int reserve_runs(struct user_pfn_range *range, unsigned int nr)
{
	unsigned int max = range->nr_runs + nr;
	struct user_pfn_run *runs;

	if (max <= range->max_runs)
		return 0;

	max = max(max, range->max_runs * 2);
	runs = kvrealloc(range->runs, array_size(max, sizeof(*runs)),
			 GFP_KERNEL);
	if (!runs)
		return -ENOMEM;
	range->runs = runs;
	range->max_runs = max;
	return 0;
}

/* There is room for it. */
static void add_run(struct user_pfn_range *range, const struct user_pfn_run *new)
{
	struct user_pfn_run *next = range->runs + range->nr_runs;

	if (range->nr_runs && can_append(next - 1, new)) {
		next[-1].nr_pages += new->nr_pages;
	} else {
		*next = *new;
		range->nr_runs++;
	}
}

static void drop_runs(struct user_pfn_range *range, bool dirty)
{
	unsigned int i;

	for (i = 0; i < range->nr_runs; i++) {
		struct user_pfn_run *run = &range->runs[i];

		if (run->kind == USER_PFN_PINNED)
			unpin_user_page_range_dirty_lock(pfn_to_page(run->pfn),
							 run->nr_pages, dirty);
	}
	range->nr_runs = 0;
	range->unpinned_start = 0;
	range->unpinned_end = 0;
}

/*
 * Pin ordinary memory from @addr on, as far as it goes.
 *
 * Returns the number of pages, or an error if there was not a single one.
 */
static long pin_ordinary(struct user_pfn_range *range, unsigned long addr,
			 struct page **pages)
{
	unsigned int flags = FOLL_LONGTERM | (range->write ? FOLL_WRITE : 0);
	int nr = min(PIN_BATCH, (range->end - addr) >> PAGE_SHIFT);
	struct user_pfn_run run = {
		.prot = PAGE_KERNEL,
		.kind = USER_PFN_PINNED,
	};
	unsigned int nr_runs = 0;
	int pinned, i;

	pinned = pin_user_pages_fast(addr, nr, flags, pages);
	if (pinned <= 0)
		return pinned ? pinned : -EFAULT;

	for (i = 0; i < pinned; nr_runs++)
		i += num_pages_contiguous(pages + i, pinned - i);
	if (reserve_runs(range, nr_runs)) {
		unpin_user_pages(pages, pinned);
		return -ENOMEM;
	}

	for (i = 0; i < pinned; i += run.nr_pages) {
		run.pfn = page_to_pfn(pages[i]);
		run.nr_pages = num_pages_contiguous(pages + i, pinned - i);
		add_run(range, &run);
	}

	return pinned;
}

/*
 * Add page frames that follow each other and are mapped alike. If they are both RAM
 * and something else they are taken page by page.
 */
static int add_pfns(struct user_pfn_range *range, unsigned long pfn,
		    unsigned long nr_pages, pgprot_t prot)
{
	unsigned long step = nr_pages;
	int ret;

	if (nr_pages > 1 &&
	    region_intersects(PFN_PHYS(pfn), PFN_PHYS(nr_pages),
			      IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) == REGION_MIXED)
		step = 1;

	for (; nr_pages; nr_pages -= step, pfn += step) {
		struct user_pfn_run run = {
			.pfn = pfn,
			.nr_pages = step,
			.prot = kernel_prot(prot),
			.kind = has_kernel_address(pfn, step) ?
				USER_PFN_PAGE : USER_PFN_PAGELESS,
		};

		ret = reserve_runs(range, 1);
		if (ret)
			return ret;
		add_run(range, &run);
	}

	return 0;
}

/*
 * Add the page frames that @vma maps at @addr, and those behind it as far as one
 * page table shows that they follow. Returns the number of pages, 0 if there is no
 * entry that serves, or an error.
 */
static long follow_entries(struct user_pfn_range *range,
			   struct vm_area_struct *vma, unsigned long addr)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	unsigned long pfn, nr_pages;
	bool writable;
	pgprot_t prot;
	int ret;

	if (follow_pfnmap_start(&args))
		return 0;
	pfn = args.pfn;
	prot = args.pgprot;
	writable = args.writable;
	nr_pages = follow_pfnmap_batch(&args, min(vma->vm_end, range->end));
	follow_pfnmap_end(&args);

	if (range->write && !writable)
		return 0;

	ret = add_pfns(range, pfn, nr_pages, prot);
	return ret ? ret : nr_pages;
}

/* Is there a raw pfn mapping at @addr, with the permission that is needed? */
static int check_vma(const struct user_pfn_range *range,
		     const struct vm_area_struct *vma, unsigned long addr)
{
	if (!vma) {
		dev_dbg(range->dev, "nothing is mapped at %#lx\n", addr);
		return -EFAULT;
	}

	if (!(vma->vm_flags & (range->write ? VM_WRITE : VM_READ))) {
		dev_dbg(range->dev, "the mapping at %#lx must not be %s\n", addr,
			range->write ? "written to" : "read");
		return -EFAULT;
	}

	/* a device would write behind the back of whoever needs to know */
	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
		dev_dbg(range->dev,
			"%#lx is ordinary memory that can't be pinned, such as a file whose writes are tracked\n",
			addr);
		return -EFAULT;
	}

	return 0;
}

/*
 * Follow raw pfn mappings from @addr on, as far as they go; several adjacent
 * ones are as good as one.
 *
 * Returns the number of pages, or an error if there was not a single one.
 */
static long follow_pfnmap(struct user_pfn_range *range, unsigned long addr)
{
	struct mm_struct *mm = range->notifier.mm;
	unsigned int fault = range->write ? FAULT_FLAG_WRITE : 0;
	struct vm_area_struct *vma = NULL;
	unsigned long first = addr;
	unsigned int faults = 0;
	bool unlocked;
	long ret = 0;

	mmap_read_lock(mm);
	while (addr < range->end) {
		if (!vma || addr >= vma->vm_end)
			vma = vma_lookup(mm, addr);
		ret = check_vma(range, vma, addr);
		if (ret)
			break;

		ret = follow_entries(range, vma, addr);
		if (ret < 0)
			break;
		if (ret) {
			addr += ret << PAGE_SHIFT;
			faults = 0;
			continue;
		}

		/*
		 * Not faulted in yet, or write protected; a driver that tracks
		 * writes (drm_gem_shmem) needs one fault for each. If that does
		 * not help, then either nothing does, or the entry was taken
		 * away again and the sequence count tells.
		 */
		ret = -EFAULT;
		if (faults++ == 2)
			break;
		unlocked = false;
		ret = fixup_user_fault(mm, addr, fault, &unlocked);
		if (ret) {
			dev_dbg(range->dev, "a page fault at %#lx fails: %ld\n",
				addr, ret);
			break;
		}
		if (unlocked)
			vma = NULL;
	}
	mmap_read_unlock(mm);

	if (addr == first)
		return ret;

	/* the hull, so that the notifier need not look at every run */
	if (user_pfn_range_is_pinned(range))
		range->unpinned_start = first;
	range->unpinned_end = addr;
	return (addr - first) >> PAGE_SHIFT;
}

static int walk(struct user_pfn_range *range)
{
	unsigned long addr = range->start;
	struct page **pages;
	long nr = 0;

	pages = kmalloc_array(PIN_BATCH, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;

	while (addr < range->end) {
		/*
		 * Ordinary memory comes first: it is the common case, and
		 * get_user_pages() knows best what ordinary memory is.
		 */
		nr = pin_ordinary(range, addr, pages);
		if (nr == -EFAULT)
			nr = follow_pfnmap(range, addr);
		if (nr < 0)
			break;
		addr += nr << PAGE_SHIFT;
		cond_resched();
	}
	kfree(pages);

	return nr < 0 ? nr : 0;
}

static bool is_unpinned(const struct user_pfn_range *range,
			const struct mmu_notifier_range *mmu_range)
{
	return mmu_range->start < range->unpinned_end &&
	       mmu_range->end > range->unpinned_start;
}

/* As mn_hlist_invalidate_range_start() does: whoever sleeps nevertheless is told. */
static int revoke_range(struct user_pfn_range *range, bool may_block)
{
	int ret;

	if (!may_block)
		non_block_start();
	ret = range->ops->revoke(range, may_block);
	if (!may_block)
		non_block_end();

	return ret;
}

static bool user_pfn_range_invalidate(struct mmu_interval_notifier *notifier,
				      const struct mmu_notifier_range *mmu_range,
				      unsigned long cur_seq)
{
	struct user_pfn_range *range =
		container_of(notifier, struct user_pfn_range, notifier);
	bool revoke = false;
	unsigned long flags;

	spin_lock_irqsave(&range->lock, flags);
	mmu_interval_set_seq(notifier, cur_seq);
	if (range->committed) {
		/* both are read without the lock */
		WRITE_ONCE(range->stale, true);
		if (is_unpinned(range, mmu_range))
			WRITE_ONCE(range->revoked, true);
		/*
		 * Not "was it revoked before?": an earlier call may still be
		 * waiting for the writer, or may not have been allowed to.
		 */
		revoke = range->revoked && !range->stopped;
	}
	spin_unlock_irqrestore(&range->lock, flags);

	if (!revoke)
		return true;

	if (revoke_range(range, mmu_notifier_range_blockable(mmu_range)))
		return false;

	spin_lock_irqsave(&range->lock, flags);
	range->stopped = true;
	spin_unlock_irqrestore(&range->lock, flags);
	dev_dbg(range->dev, "user memory %#lx-%#lx was taken away (event %d)\n",
		range->start, range->end, mmu_range->event);
	return true;
}

static const struct mmu_interval_notifier_ops user_pfn_range_notifier_ops = {
	.invalidate = user_pfn_range_invalidate,
};

/**
 * user_pfn_range_init() - start to watch a range of user memory
 * @range: the range to initialize
 * @dev: device on whose behalf this is done, for messages
 * @addr: user address of the first byte, in the current process
 * @length: length in bytes
 * @write: the memory is going to be written to; else it is only read
 * @ops: the owner's callbacks
 *
 * The range does not describe any memory before user_pfn_range_lookup(). It
 * holds a reference to the mm_struct, not to the address space: the process may
 * exit at any time, which is an invalidation like any other.
 *
 * Context: process context of the owner of the memory. May sleep. Takes
 *	mmap_lock.
 * Return: 0, or -EINVAL if @length is 0, -EFAULT if the addresses are not user
 *	addresses, -EINTR, -ENOMEM. On error there is nothing to release.
 */
int user_pfn_range_init(struct user_pfn_range *range, struct device *dev,
			unsigned long addr, unsigned long length, bool write,
			const struct user_pfn_range_ops *ops)
{
	unsigned long last;
	int ret;

	if (!length) {
		dev_dbg(dev, "user memory at %#lx has no length\n", addr);
		return -EINVAL;
	}

	addr = untagged_addr(addr);
	if (check_add_overflow(addr, length - 1, &last) ||
	    !access_ok((void __user *)addr, length)) {
		dev_dbg(dev, "%#lx+%#lx are not user addresses\n", addr,
			length);
		return -EFAULT;
	}

	*range = (struct user_pfn_range) {
		.dev = dev,
		.ops = ops,
		.start = addr & PAGE_MASK,
		.end = (last & PAGE_MASK) + PAGE_SIZE,
		.write = write,
	};
	spin_lock_init(&range->lock);

	ret = mmu_interval_notifier_insert(&range->notifier, current->mm,
					   range->start,
					   range->end - range->start,
					   &user_pfn_range_notifier_ops);
	if (ret)
		dev_dbg(dev, "user memory can't be watched: %d\n", ret);
	return ret;
}
EXPORT_SYMBOL_GPL(user_pfn_range_init);

/**
 * user_pfn_range_lookup() - find the page frames of the range
 * @range: a range that is not committed
 *
 * Pins what can be pinned, follows raw pfn mappings (&VM_PFNMAP, &VM_IO), faults
 * in what is not there yet, merges what is contiguous, and leaves the result in
 * @range->runs, which replaces that of an earlier lookup. The memory may be
 * mapped for a device then, but not be accessed before user_pfn_range_commit().
 *
 * Context: process context of the process that initialized the range. May
 *	sleep. Takes mmap_lock.
 * Return: 0, or -EFAULT if something is not mapped or not with the permission
 *	that is needed, -EPERM in another process, -EINTR, -ENOMEM, -EBUSY if the
 *	mappings do not stop changing.
 */
int user_pfn_range_lookup(struct user_pfn_range *range)
{
	unsigned long timeout = jiffies +
		msecs_to_jiffies(USER_PFN_RANGE_TIMEOUT_MS);
	struct mm_struct *mm = range->notifier.mm;
	int ret;

	if (WARN_ON_ONCE(range->committed))
		return -EBUSY;
	if (mm != current->mm)
		return -EPERM;

	do {
		drop_runs(range, false);
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, timeout)) {
			dev_dbg(range->dev, "%#lx-%#lx: mappings keep changing\n",
				range->start, range->end);
			return -EBUSY;
		}

		range->seq = mmu_interval_read_begin(&range->notifier);
		ret = walk(range);
		/* an error may come from a mapping that was just replaced */
	} while (mmu_interval_check_retry(&range->notifier, range->seq));

	if (ret) {
		dev_dbg(range->dev, "%#lx-%#lx can't be %s: %d\n", range->start,
			range->end, range->write ? "written to" : "read", ret);
		drop_runs(range, false);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(user_pfn_range_lookup);

/**
 * user_pfn_range_commit() - begin to use the memory that was looked up
 * @range: a range after a successful user_pfn_range_lookup()
 *
 * From now on, &user_pfn_range_ops.revoke is called before memory that is not
 * pinned changes its owner.
 *
 * Context: process context. Does not sleep.
 * Return: true, or false if the mapping has changed since the lookup, so that
 *	the caller has to undo what it prepared and to look up again.
 */
bool user_pfn_range_commit(struct user_pfn_range *range)
{
	spin_lock_irq(&range->lock);
	range->committed = !mmu_interval_read_retry(&range->notifier,
						    range->seq);
	spin_unlock_irq(&range->lock);

	return range->committed;
}
EXPORT_SYMBOL_GPL(user_pfn_range_commit);

/**
 * user_pfn_range_stale() - does the range still describe the user's memory?
 * @range: a range that was committed
 *
 * Context: process context of the process that wants to use the range.
 * Return: true if the mapping has changed since the lookup, or if the current
 *	process is not the one whose memory it was: then the same address has to
 *	be looked up afresh. Pinned memory can be used to the end nevertheless.
 */
bool user_pfn_range_stale(const struct user_pfn_range *range)
{
	return READ_ONCE(range->stale) || range->notifier.mm != current->mm;
}
EXPORT_SYMBOL_GPL(user_pfn_range_stale);

/**
 * user_pfn_range_unwatch() - stop watching the user's memory
 * @range: an initialized range, looked up and committed or not
 *
 * The caller must have stopped all access before. When this function returns,
 * no callback is running any more and none will: what &user_pfn_range_ops.revoke
 * works on can be undone then, and user_pfn_range_release() is to follow.
 *
 * Context: process context, any process. May sleep, and waits for
 *	invalidations that are under way, so the caller must not hold a lock that
 *	&user_pfn_range_ops.revoke takes, nor mmap_lock.
 */
void user_pfn_range_unwatch(struct user_pfn_range *range)
{
	mmu_interval_notifier_remove(&range->notifier);
}
EXPORT_SYMBOL_GPL(user_pfn_range_unwatch);

/**
 * user_pfn_range_release() - give pinned memory back
 * @range: a range after user_pfn_range_unwatch()
 * @dirty: pinned memory was written to
 *
 * Context: process context, any process. May sleep.
 */
void user_pfn_range_release(struct user_pfn_range *range, bool dirty)
{
	drop_runs(range, dirty);
	kvfree(range->runs);
	range->runs = NULL;
}
EXPORT_SYMBOL_GPL(user_pfn_range_release);

MODULE_DESCRIPTION("User memory that is watched while a device uses it");
MODULE_LICENSE("GPL");

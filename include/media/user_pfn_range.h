/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A range of user memory, watched while a device uses it
 */
#ifndef _MEDIA_USER_PFN_RANGE_H
#define _MEDIA_USER_PFN_RANGE_H

#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct device;
struct user_pfn_range;

/**
 * enum user_pfn_kind - what stands behind the page frames of a run
 *
 * @USER_PFN_PINNED: ordinary memory. The pages are pinned, so they stay
 *	allocated whatever happens to the user's mapping.
 * @USER_PFN_PAGE: RAM in the kernel's linear map that the user sees through a
 *	raw pfn mapping (dma_mmap_coherent(), DRM, u-dma-buf). There is a struct
 *	page, but no reference to it is held and it is never marked dirty.
 * @USER_PFN_PAGELESS: memory that the kernel has no address for: a PCI BAR,
 *	"no-map" RAM, RAM hidden by "mem=".
 */
enum user_pfn_kind {
	USER_PFN_PINNED,
	USER_PFN_PAGE,
	USER_PFN_PAGELESS,
};

/**
 * struct user_pfn_run - physically contiguous part of a user range
 *
 * @pfn: first page frame number
 * @nr_pages: length in units of %PAGE_SIZE
 * @prot: protection of a kernel mapping (read, write, never execute) that has
 *	the memory type of the user's mapping, as the CPU must not see one
 *	physical address with two types
 * @kind: what stands behind the page frames
 */
struct user_pfn_run {
	unsigned long		pfn;
	unsigned long		nr_pages;
	pgprot_t		prot;
	enum user_pfn_kind	kind;
};

/**
 * struct user_pfn_range_ops - what the owner of a range does when it is told to
 *
 * @revoke: make every access to the memory that is not pinned stop before
 *	returning; afterwards the memory belongs to somebody else. Called from
 *	an MMU notifier: with mmap_lock, i_mmap_rwsem, an anon_vma lock or
 *	nothing at all held, possibly from the page allocator's reclaim, so it
 *	must not take mmap_lock, nor allocate memory with __GFP_FS, nor wait for
 *	anybody who may do either. It may sleep if @may_block is true. May run
 *	on several CPUs at once and be called again for a range that is revoked
 *	already. Return 0 when the access has stopped, or -EAGAIN if @may_block
 *	is false and it would have had to sleep.
 */
struct user_pfn_range_ops {
	int (*revoke)(struct user_pfn_range *range, bool may_block);
};

/**
 * struct user_pfn_range - a range of user memory that is being watched
 *
 * @dev: device on whose behalf the range is used, for messages
 * @ops: the owner's callbacks
 * @notifier: watches the addresses from user_pfn_range_init() to
 *	user_pfn_range_unwatch()
 * @start: first user address, aligned to %PAGE_SIZE
 * @end: first user address behind the range, aligned to %PAGE_SIZE
 * @write: the memory is going to be written to
 * @runs: the result of user_pfn_range_lookup(), in the order of the addresses
 * @nr_runs: number of elements in use in @runs
 * @max_runs: number of elements allocated for @runs
 * @unpinned_start: first user address whose memory is not pinned
 * @unpinned_end: address behind the last one; equal to @unpinned_start if all
 *	of the memory is pinned
 * @seq: sequence count of @notifier at the time of the lookup
 * @lock: protects @committed, @stale, @revoked and @stopped. Taken with
 *	interrupts off, so that owners can guard accesses of their own with it,
 *	see user_pfn_range_revoked().
 * @committed: the owner uses @runs
 * @stale: the user's mapping has changed since the lookup
 * @revoked: memory that is not pinned has been taken away
 * @stopped: @ops->revoke has succeeded since
 */
struct user_pfn_range {
	struct device				*dev;
	const struct user_pfn_range_ops		*ops;
	struct mmu_interval_notifier		notifier;
	unsigned long				start;
	unsigned long				end;
	bool					write;

	struct user_pfn_run			*runs;
	unsigned int				nr_runs;
	unsigned int				max_runs;
	unsigned long				unpinned_start;
	unsigned long				unpinned_end;

	unsigned long				seq;
	spinlock_t				lock;	/* for what follows */
	bool					committed;
	bool					stale;
	bool					revoked;
	bool					stopped;
};

int user_pfn_range_init(struct user_pfn_range *range, struct device *dev,
			unsigned long addr, unsigned long length, bool write,
			const struct user_pfn_range_ops *ops);
int user_pfn_range_lookup(struct user_pfn_range *range);
bool user_pfn_range_commit(struct user_pfn_range *range);
void user_pfn_range_unwatch(struct user_pfn_range *range);
void user_pfn_range_release(struct user_pfn_range *range, bool dirty);

/**
 * user_pfn_range_is_pinned() - is all of the memory pinned?
 * @range: a range that was looked up
 *
 * Context: any.
 * Return: true if none of the memory can be taken away while it is in use.
 */
static inline bool user_pfn_range_is_pinned(const struct user_pfn_range *range)
{
	return range->unpinned_start == range->unpinned_end;
}

/**
 * user_pfn_range_revoked() - has the memory been taken away?
 * @range: a range that was committed
 *
 * Context: any. Under @range->lock the answer holds until the lock is dropped,
 *	and the memory does not change its owner before that; else it is a
 *	snapshot.
 * Return: true if the memory must not be accessed any more.
 */
static inline bool user_pfn_range_revoked(const struct user_pfn_range *range)
{
	return READ_ONCE(range->revoked);
}

bool user_pfn_range_stale(const struct user_pfn_range *range);

#endif /* _MEDIA_USER_PFN_RANGE_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test of watched ranges of user memory
 *
 * The thread of each test case has an address space of its own. What it maps
 * there is anonymous memory, or comes from a file of the test that maps page
 * frames with VM_PFNMAP, as drivers do.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include <media/user_pfn_range.h>

#define ORDER	2
#define PAGES	BIT(ORDER)
#define SIZE	(PAGES * PAGE_SIZE)
#define RW	(PROT_READ | PROT_WRITE)

enum how {
	EAGER,		/* the page table entries are there after mmap() */
	LAZY,		/* one page at a time, by page fault */
	TRACKED,	/* the same; the first write to a page is another fault */
	REFUSED,	/* page faults fail */
	RESTLESS,	/* each page fault takes the next page away */
};

/* Memory types of a mapping. x86 has RAM cached whatever is asked for. */
enum type {
	CACHED,
	UNCACHED,
	COMBINED,	/* write-combining */
};

/**
 * struct raw - page frames that a file of the test maps
 * @file: the file
 * @how: when the page table entries appear
 * @type: memory type of the mapping
 * @pfn: the page frame behind each page of the file
 */
struct raw {
	struct file *file;
	enum how how;
	enum type type;
	unsigned long pfn[PAGES];
};

/**
 * struct watched - a range, and what its owner was asked
 * @range: the range
 * @revoked: number of calls of the callback
 * @may_block: argument of the last one
 * @answer: what the callback returns
 */
struct watched {
	struct user_pfn_range range;
	unsigned int revoked;
	bool may_block;
	int answer;
};

/*
 * Memory
 */

static pgprot_t with_type(enum type type, pgprot_t prot)
{
	switch (type) {
	case UNCACHED:
		return pgprot_noncached(prot);
	case COMBINED:
		return pgprot_writecombine(prot);
	default:
		return prot;
	}
}

static vm_fault_t raw_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct raw *raw = vma->vm_private_data;

	if (raw->how == REFUSED)
		return VM_FAULT_SIGBUS;
	if (raw->how == RESTLESS)
		zap_special_vma_range(vma, vma->vm_start +
				      (vmf->pgoff + 1) % PAGES * PAGE_SIZE,
				      PAGE_SIZE);
	return vmf_insert_pfn(vmf->vma, vmf->address, raw->pfn[vmf->pgoff]);
}

static vm_fault_t raw_pfn_mkwrite(struct vm_fault *vmf)
{
	return 0;
}

static const struct vm_operations_struct raw_vm_ops = {
	.fault = raw_fault,
};

static const struct vm_operations_struct raw_tracked_vm_ops = {
	.fault = raw_fault,
	.pfn_mkwrite = raw_pfn_mkwrite,
};

/* What is contiguous in one go: only so x86 takes the memory type asked for. */
static int raw_map_now(const struct raw *raw, struct vm_area_struct *vma)
{
	unsigned long i, n, nr = vma_pages(vma);
	int ret;

	for (i = 0; i < nr; i += n) {
		const unsigned long *pfn = raw->pfn + vma->vm_pgoff + i;

		for (n = 1; i + n < nr && pfn[n] == pfn[0] + n; n++)
			;
		ret = remap_pfn_range(vma, vma->vm_start + i * PAGE_SIZE,
				      pfn[0], n * PAGE_SIZE, vma->vm_page_prot);
		if (ret)
			return ret;
	}
	return 0;
}

static int raw_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct raw *raw = file->private_data;

	vma->vm_page_prot = with_type(raw->type, vma->vm_page_prot);
	vma->vm_private_data = raw;
	vma->vm_ops = raw->how == TRACKED ? &raw_tracked_vm_ops : &raw_vm_ops;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);

	return raw->how == EAGER ? raw_map_now(raw, vma) : 0;
}

static const struct file_operations raw_fops = {
	.owner = THIS_MODULE,
	.mmap = raw_mmap,
};

static void put_file(void *file)
{
	fput(file);
}

static void free_raw_pages(void *page)
{
	__free_pages(page, ORDER);
}

static struct raw *raw_open(struct kunit *test, enum how how)
{
	struct raw *raw = kunit_kzalloc(test, sizeof(*raw), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, raw);
	raw->how = how;
	raw->file = anon_inode_getfile("[user_pfn_range_kunit]", &raw_fops, raw,
				       O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(raw->file));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_file, raw->file));
	return raw;
}

/* RAM. The last two page frames are swapped, so that there are three runs. */
static struct raw *raw_ram(struct kunit *test, enum how how)
{
	struct raw *raw = raw_open(test, how);
	struct page *pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, ORDER);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_raw_pages, pages));
	for (i = 0; i < PAGES; i++)
		raw->pfn[i] = page_to_pfn(pages) + i;
	swap(raw->pfn[PAGES - 2], raw->pfn[PAGES - 1]);
	return raw;
}

/*
 * Physical address space that nothing in the memory map belongs to, each time
 * another part of it: there may be a mapping that is not gone yet.
 */
static struct raw *raw_pageless(struct kunit *test, enum how how)
{
	static u64 phys = (u64)SZ_1G * (sizeof(phys_addr_t) > 4 ? 64 : 4);
	struct raw *raw = raw_open(test, how);
	unsigned int i;

	raw->type = UNCACHED;
	do {
		KUNIT_ASSERT_GT(test, phys, SZ_1M);
		phys -= SZ_1M;
	} while (pfn_valid(PHYS_PFN(phys)));
	for (i = 0; i < PAGES; i++)
		raw->pfn[i] = PHYS_PFN(phys) + i;
	return raw;
}

static unsigned long map_at(struct kunit *test, unsigned long addr,
			    struct raw *raw, unsigned long prot)
{
	unsigned long flags = (raw ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) |
			      (addr ? MAP_FIXED : 0);

	addr = kunit_vm_mmap(test, raw ? raw->file : NULL, addr, SIZE, prot,
			     flags, 0);
	KUNIT_ASSERT_NE(test, 0, addr);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

/*
 * Ranges
 */

static int watched_revoke(struct user_pfn_range *range, bool may_block)
{
	struct watched *w = container_of(range, struct watched, range);

	w->revoked++;
	w->may_block = may_block;
	return w->answer;
}

static const struct user_pfn_range_ops watched_ops = {
	.revoke = watched_revoke,
};

static void watched_release(void *w)
{
	struct user_pfn_range *range = &((struct watched *)w)->range;

	user_pfn_range_unwatch(range);
	user_pfn_range_release(range, false);
}

static struct watched *watch(struct kunit *test, unsigned long addr,
			     unsigned long length, bool write)
{
	struct watched *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_init(&w->range, test->priv, addr,
						     length, write,
						     &watched_ops));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, watched_release, w));
	return w;
}

/* The page frames of @raw, with their memory type, begin at page @first. */
static void expect_raw(struct kunit *test, const struct user_pfn_range *range,
		       unsigned long first, const struct raw *raw,
		       enum user_pfn_kind kind)
{
	pgprot_t prot = with_type(raw->type, PAGE_KERNEL);
	unsigned long page = 0, found = 0, i;
	unsigned int r;

	for (r = 0; r < range->nr_runs; r++) {
		const struct user_pfn_run *run = &range->runs[r];

		for (i = 0; i < run->nr_pages; i++, page++) {
			if (page < first || page >= first + PAGES)
				continue;
			found++;
			KUNIT_EXPECT_EQ(test, raw->pfn[page - first],
					run->pfn + i);
			KUNIT_EXPECT_EQ(test, kind, run->kind);
			KUNIT_EXPECT_EQ(test, pgprot_val(prot),
					pgprot_val(run->prot));
		}
	}
	KUNIT_EXPECT_EQ(test, PAGES, found);
	KUNIT_EXPECT_EQ(test, (range->end - range->start) >> PAGE_SHIFT, page);
}

static int user_pfn_range_test_init(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "user_pfn_range");

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	test->priv = dev;
	return 0;
}

/*
 * Tests
 */

static void bad_addresses(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, NULL, RW);
	struct user_pfn_range range;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			user_pfn_range_init(&range, test->priv, addr, 0, true,
					    &watched_ops));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			user_pfn_range_init(&range, test->priv, -PAGE_SIZE,
					    SIZE, true, &watched_ops));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			user_pfn_range_init(&range, test->priv,
					    (unsigned long)&range,
					    sizeof(range), true, &watched_ops));
}

static void whole_pages(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, NULL, RW);
	struct watched *w = watch(test, addr + PAGE_SIZE - 1, 2, true);

	KUNIT_EXPECT_EQ(test, addr, w->range.start);
	KUNIT_EXPECT_EQ(test, addr + 2 * PAGE_SIZE, w->range.end);
}

static void anonymous(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, NULL, RW), pages = 0;
	struct watched *w = watch(test, addr, SIZE, true);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_EXPECT_TRUE(test, user_pfn_range_is_pinned(&w->range));
	for (i = 0; i < w->range.nr_runs; i++) {
		KUNIT_EXPECT_EQ(test, USER_PFN_PINNED, w->range.runs[i].kind);
		pages += w->range.runs[i].nr_pages;
	}
	KUNIT_EXPECT_EQ(test, PAGES, pages);

	/* what is pinned is not taken away, but has to be looked up afresh */
	KUNIT_ASSERT_TRUE(test, user_pfn_range_commit(&w->range));
	KUNIT_EXPECT_FALSE(test, user_pfn_range_stale(&w->range));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, SIZE));
	KUNIT_EXPECT_TRUE(test, user_pfn_range_stale(&w->range));
	KUNIT_EXPECT_FALSE(test, user_pfn_range_revoked(&w->range));
	KUNIT_EXPECT_EQ(test, 0, w->revoked);
}

static const struct raw_param {
	const char *name;
	struct raw *(*make)(struct kunit *test, enum how how);
	enum how how;
	enum type type;
	enum user_pfn_kind kind;
	unsigned int runs;
} raw_params[] = {
	{ "RAM", raw_ram, EAGER, CACHED, USER_PFN_PAGE, 3 },
	{ "RAM by fault", raw_ram, LAZY, CACHED, USER_PFN_PAGE, 3 },
	{ "RAM, tracked", raw_ram, TRACKED, CACHED, USER_PFN_PAGE, 3 },
	{ "pageless", raw_pageless, EAGER, UNCACHED, USER_PFN_PAGELESS, 1 },
	{ "pageless, WC", raw_pageless, EAGER, COMBINED, USER_PFN_PAGELESS, 1 },
	{ "pageless by fault", raw_pageless, LAZY, UNCACHED, USER_PFN_PAGELESS, 1 },
};

KUNIT_ARRAY_PARAM_DESC(raw, raw_params, name);

static struct raw *raw_of_param(struct kunit *test)
{
	const struct raw_param *p = test->param_value;
	struct raw *raw = p->make(test, p->how);

	raw->type = p->type;
	return raw;
}

static void raw_found(struct kunit *test)
{
	const struct raw_param *p = test->param_value;
	struct raw *raw = raw_of_param(test);
	unsigned long addr = map_at(test, 0, raw, RW);
	struct watched *w = watch(test, addr, SIZE, true);

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_EXPECT_FALSE(test, user_pfn_range_is_pinned(&w->range));
	KUNIT_EXPECT_EQ(test, p->runs, w->range.nr_runs);
	expect_raw(test, &w->range, 0, raw, p->kind);
}

static void raw_revoked(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, raw_of_param(test), RW);
	struct watched *w = watch(test, addr, SIZE, true);

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_ASSERT_TRUE(test, user_pfn_range_commit(&w->range));
	KUNIT_EXPECT_FALSE(test, user_pfn_range_stale(&w->range));
	KUNIT_EXPECT_FALSE(test, user_pfn_range_revoked(&w->range));

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + SIZE - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 1, w->revoked);
	KUNIT_EXPECT_TRUE(test, w->may_block);
	KUNIT_EXPECT_TRUE(test, user_pfn_range_stale(&w->range));
	KUNIT_EXPECT_TRUE(test, user_pfn_range_revoked(&w->range));

	/* nothing is left to be stopped */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 1, w->revoked);
}

/* Anonymous memory, a raw mapping, anonymous memory: one range. */
static void mixed(struct kunit *test)
{
	struct raw *raw = raw_pageless(test, EAGER);
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, 3 * SIZE, RW,
					   MAP_PRIVATE | MAP_ANONYMOUS, 0);
	struct watched *w;

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr) || !addr);
	map_at(test, addr + SIZE, raw, RW);
	w = watch(test, addr, 3 * SIZE, true);
	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_EXPECT_EQ(test, addr + SIZE, w->range.unpinned_start);
	KUNIT_EXPECT_EQ(test, addr + 2 * SIZE, w->range.unpinned_end);
	KUNIT_EXPECT_EQ(test, USER_PFN_PINNED, w->range.runs[0].kind);
	KUNIT_EXPECT_EQ(test, USER_PFN_PINNED,
			w->range.runs[w->range.nr_runs - 1].kind);
	expect_raw(test, &w->range, PAGES, raw, USER_PFN_PAGELESS);
	KUNIT_ASSERT_TRUE(test, user_pfn_range_commit(&w->range));

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, user_pfn_range_stale(&w->range));
	KUNIT_EXPECT_EQ(test, 0, w->revoked);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 1, w->revoked);
}

/* What happens beside the range is none of its business. */
static void neighbour(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, raw_pageless(test, EAGER), RW);
	struct watched *w = watch(test, addr, PAGE_SIZE, true);

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_ASSERT_TRUE(test, user_pfn_range_commit(&w->range));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + SIZE - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, w->revoked);
	KUNIT_EXPECT_FALSE(test, user_pfn_range_stale(&w->range));
}

/* A change between lookup and commit: nobody is told, but it does not begin. */
static void changes_before_commit(struct kunit *test)
{
	struct raw *raw = raw_ram(test, EAGER);
	unsigned long addr = map_at(test, 0, raw, RW);
	struct watched *w = watch(test, addr, SIZE, true);

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	raw = raw_ram(test, EAGER);
	map_at(test, addr, raw, RW);
	KUNIT_EXPECT_FALSE(test, user_pfn_range_commit(&w->range));
	KUNIT_EXPECT_EQ(test, 0, w->revoked);

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	expect_raw(test, &w->range, 0, raw, USER_PFN_PAGE);
	KUNIT_EXPECT_TRUE(test, user_pfn_range_commit(&w->range));
	KUNIT_EXPECT_FALSE(test, user_pfn_range_stale(&w->range));
}

static void expect_fault(struct kunit *test, unsigned long addr, bool write)
{
	struct watched *w = watch(test, addr, SIZE, write);

	KUNIT_EXPECT_EQ(test, -EFAULT, user_pfn_range_lookup(&w->range));
	KUNIT_EXPECT_EQ(test, 0, w->range.nr_runs);
	KUNIT_EXPECT_TRUE(test, user_pfn_range_is_pinned(&w->range));
}

static void nothing_mapped(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, NULL, RW);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE));
	expect_fault(test, addr, true);

	addr = map_at(test, 0, raw_ram(test, EAGER), RW);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + SIZE - PAGE_SIZE, PAGE_SIZE));
	expect_fault(test, addr, true);
}

static void no_permission(struct kunit *test)
{
	unsigned long anon = map_at(test, 0, NULL, PROT_READ);
	unsigned long addr = map_at(test, 0, raw_ram(test, EAGER), PROT_READ);
	struct watched *w = watch(test, addr, SIZE, false);

	expect_fault(test, anon, true);
	expect_fault(test, addr, true);
	/* to be read is all that an output device asks for */
	KUNIT_EXPECT_EQ(test, 0, user_pfn_range_lookup(&w->range));

	addr = map_at(test, 0, raw_ram(test, LAZY), PROT_NONE);
	expect_fault(test, addr, false);
}

static void owner_refuses(struct kunit *test)
{
	expect_fault(test, map_at(test, 0, raw_ram(test, REFUSED), RW), true);
}

/* Somebody goes on changing the mapping: the lookup gives up in the end. */
static void keeps_changing(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, raw_ram(test, RESTLESS), RW);
	struct watched *w = watch(test, addr, SIZE, true);

	KUNIT_EXPECT_EQ(test, -EBUSY, user_pfn_range_lookup(&w->range));
	KUNIT_EXPECT_EQ(test, 0, w->range.nr_runs);
	KUNIT_EXPECT_EQ(test, 0, w->revoked);
}

/*
 * A callback that must not block and would have to is called again, until it
 * has done its work. The seq of the lookup stands for that of the invalidation,
 * so that nothing changes for the address space.
 */
static void must_not_block(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, raw_ram(test, EAGER), RW);
	struct watched *w = watch(test, addr, SIZE, true);
	struct mmu_interval_notifier *notifier = &w->range.notifier;
	struct mmu_notifier_range change = {
		.mm = current->mm,
		.start = addr,
		.end = addr + PAGE_SIZE,
	};

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_ASSERT_TRUE(test, user_pfn_range_commit(&w->range));

	w->answer = -EAGAIN;
	KUNIT_EXPECT_FALSE(test, notifier->ops->invalidate(notifier, &change,
							   w->range.seq));
	KUNIT_EXPECT_FALSE(test, w->may_block);
	KUNIT_EXPECT_EQ(test, 1, w->revoked);
	/* no new access begins, whatever became of the old one */
	KUNIT_EXPECT_TRUE(test, user_pfn_range_revoked(&w->range));

	w->answer = 0;
	KUNIT_EXPECT_TRUE(test, notifier->ops->invalidate(notifier, &change,
							  w->range.seq));
	KUNIT_EXPECT_EQ(test, 2, w->revoked);
	KUNIT_EXPECT_TRUE(test, notifier->ops->invalidate(notifier, &change,
							  w->range.seq));
	KUNIT_EXPECT_EQ(test, 2, w->revoked);
}

static void other_process(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, raw_ram(test, EAGER), RW);
	struct watched *w = watch(test, addr, SIZE, true);
	struct mm_struct *mm = current->mm;

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	kthread_unuse_mm(mm);
	KUNIT_EXPECT_EQ(test, -EPERM, user_pfn_range_lookup(&w->range));
	KUNIT_EXPECT_TRUE(test, user_pfn_range_stale(&w->range));
	kthread_use_mm(mm);
	KUNIT_EXPECT_FALSE(test, user_pfn_range_stale(&w->range));
}

/**
 * struct question - what is asked all the time
 * @range: whether this is revoked or stale
 * @asked: completed by each thread once it has asked
 */
struct question {
	struct user_pfn_range *range;
	struct completion asked;
};

/* Takes no lock, and does little else: KCSAN would watch that. */
static int asker(void *arg)
{
	struct question *question = arg;
	struct user_pfn_range *range = question->range;
	unsigned long there = 0, stale = 0;

	do {
		there += !user_pfn_range_revoked(range);
		stale += user_pfn_range_stale(range);
		if (there == 1)
			complete(&question->asked);
		cond_resched();
	} while (!kthread_should_stop());
	/* the memory of another process always is stale */
	return stale >= there && user_pfn_range_revoked(range) ? 0 : -EINVAL;
}

/*
 * The owner takes a page. Not munmap(): to KCSAN all that happens below the write lock of
 * the address space is atomic (mm_lock_seqcount_begin()).
 */
static void take_page(struct kunit *test, unsigned long addr)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma)
		zap_special_vma_range(vma, addr, PAGE_SIZE);
	mmap_read_unlock(current->mm);
}

static void ask_while_taken(struct kunit *test)
{
	unsigned long addr = map_at(test, 0, raw_ram(test, EAGER), RW);
	struct watched *w = watch(test, addr, SIZE, true);
	struct question question = { .range = &w->range };
	struct task_struct *threads[4];
	unsigned int i, n = 0, cpu;

	KUNIT_ASSERT_EQ(test, 0, user_pfn_range_lookup(&w->range));
	KUNIT_ASSERT_TRUE(test, user_pfn_range_commit(&w->range));
	init_completion(&question.asked);
	for_each_online_cpu(cpu) {
		if (n == ARRAY_SIZE(threads))
			break;
		threads[n] = kthread_run_on_cpu(asker, &question, cpu, "asker/%u");
		KUNIT_EXPECT_FALSE(test, IS_ERR(threads[n]));
		n += !IS_ERR(threads[n]);
	}
	for (i = 0; i < n; i++)
		wait_for_completion(&question.asked);
	take_page(test, addr);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, 0, kthread_stop(threads[i]));
	KUNIT_EXPECT_EQ(test, 1, w->revoked);
}

/* An access that has to be marked and is not is reported by KCSAN, in most rounds. */
static void asked_meanwhile(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		ask_while_taken(test);
}

static struct kunit_case user_pfn_range_cases[] = {
	KUNIT_CASE(bad_addresses),
	KUNIT_CASE(whole_pages),
	KUNIT_CASE(anonymous),
	KUNIT_CASE_PARAM(raw_found, raw_gen_params),
	KUNIT_CASE_PARAM(raw_revoked, raw_gen_params),
	KUNIT_CASE(mixed),
	KUNIT_CASE(neighbour),
	KUNIT_CASE(changes_before_commit),
	KUNIT_CASE(nothing_mapped),
	KUNIT_CASE(no_permission),
	KUNIT_CASE(owner_refuses),
	KUNIT_CASE_SLOW(keeps_changing),
	KUNIT_CASE(asked_meanwhile),
	KUNIT_CASE(must_not_block),
	KUNIT_CASE(other_process),
	{}
};

static struct kunit_suite user_pfn_range_suite = {
	.name = "user_pfn_range",
	.init = user_pfn_range_test_init,
	.test_cases = user_pfn_range_cases,
};

kunit_test_suite(user_pfn_range_suite);

MODULE_DESCRIPTION("KUnit test of watched ranges of user memory");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The errno table of userp-pfn.rst, for the case at hand
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"

#define ALLOCATOR	"/sys/module/videobuf2_dma_pfn"
#define DEBUGGING	"the kernel log says why after " \
			"echo 'module videobuf2_dma_pfn +p; module user_pfn_range +p' " \
			">/sys/kernel/debug/dynamic_debug/control"

/* The drivers that have to be told. */
static const struct {
	const char *module;
	const char *parameter;
} selected_by[] = {
	{ "vivid", "allocators=2 (a value for each instance)" },
	{ "uvcvideo", "allocator=1" },
	{ "nvmecap", "allocators=2 (a value for each device)" },
};

static const char *parameter_of(const char *module)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(selected_by); i++)
		if (!strcmp(module, selected_by[i].module))
			return selected_by[i].parameter;
	return NULL;
}

static bool uses_allocator(const char *module)
{
	char path[256];

	snprintf(path, sizeof(path), ALLOCATOR "/holders/%.64s", module);
	return !access(path, F_OK);
}

/* Memory that every driver takes, or that none does: it is not for lack of dma-pfn */
static bool may_have_pages(const struct target *t)
{
	return t->kind == KIND_ANON || t->kind == KIND_FILE || t->kind == KIND_BLOCK ||
	       t->kind == KIND_DAX;
}

static bool is_emulated_fb(const struct target *t)
{
	return t->kind == KIND_FB && strstr(t->name, "drmfb");
}

static void fault_of_file(struct failure *f, const struct target *t)
{
	fail_meaning(f, "the kernel pins no pages of this file for a device: its file system "
		     "has to know who writes to it (all but tmpfs and hugetlbfs)");
	fail_help(f, "a file on tmpfs (/dev/shm) or hugetlbfs; --method copy writes to %s",
		  t->path);
}

static void fault_of_allocator(struct failure *f, const struct node *n, const struct target *t,
			       const char *module)
{
	const char *parameter = parameter_of(module);

	if (access(ALLOCATOR, F_OK))
		fail_meaning(f, "this kernel, or the driver %s, does not take memory without "
			     "struct page, which %s is: no module videobuf2_dma_pfn is loaded. "
			     "Linux has refused such memory since 6.1",
			     n->cap.driver, t->name);
	else
		fail_meaning(f, "the driver %s does not take memory without struct page, which "
			     "%s is: it does not use the allocator videobuf2_dma_pfn",
			     n->cap.driver, t->name);
	if (parameter)
		fail_help(f, "a kernel with videobuf2_dma_pfn, and %s loaded with %s. "
			  "Until then: --method copy", module, parameter);
	else
		fail_help(f, "a kernel whose driver selects videobuf2_dma_pfn. Until then: "
			  "--method copy");
}

static void fault(struct failure *f, const struct node *n, const struct target *t,
		  int anonymous)
{
	const char *parameter;
	char module[64];

	node_module(n, module, sizeof(module));
	parameter = parameter_of(module);
	if (is_emulated_fb(t)) {
		fail_meaning(f, "%s is a copy of the picture in ordinary memory; page faults "
			     "tell the DRM driver what to bring to the screen, and a capture "
			     "causes none", t->path);
		fail_help(f, "a dumb buffer of the same driver: drm:/dev/dri/cardN");
	} else if (anonymous < 0) {
		fail_meaning(f, "%s refuses ordinary memory as well (%s): the device needs one "
			     "contiguous range, or the driver takes no memory of programs",
			     n->path, error_name(-anonymous));
		fail_help(f, "memory that is contiguous, like a BAR or u-dma-buf; an I/O MMU, "
			  "which makes any memory contiguous; or --method copy");
	} else if (t->kind == KIND_FILE || t->kind == KIND_BLOCK) {
		fault_of_file(f, t);
	} else if (!may_have_pages(t) && !uses_allocator(module)) {
		fault_of_allocator(f, n, t, module);
	} else {
		fail_meaning(f, "the driver %s was not told to use videobuf2_dma_pfn, or the "
			     "device needs one contiguous range and this is not, or part of the "
			     "range can't be written to", n->cap.driver);
		if (parameter)
			fail_help(f, "load %s with %s; " DEBUGGING, module, parameter);
		else
			fail_help(f, DEBUGGING);
	}
}

static void invalid(struct failure *f, const struct target *t)
{
	bool unaligned = t->offset % sysconf(_SC_PAGESIZE);

	fail_meaning(f, "the memory is misaligned for the device%s; or this is a cached mapping "
		     "of RAM that the kernel has no address for, and the device's DMA is not "
		     "coherent: nobody could clean the cache",
		     unaligned ? ", and --offset is no multiple of a page" : "");
	if (t->kind == KIND_RANGE || t->kind == KIND_UDMABUF)
		fail_help(f, "--mapping uncached%s", unaligned ? ", or another --offset" : "");
	else
		fail_help(f, "%s" DEBUGGING, unaligned ? "another --offset; " : "");
}

static void unrevocable(struct failure *f, const struct node *n, const struct target *t)
{
	if (t->kind == KIND_FILE) {
		fail_meaning(f, "%s is persistent memory with a file system (fsdax), which may "
			     "move the file while the device writes to it", t->path);
		fail_help(f, "device-dax (ndctl create-namespace --mode=devdax), or a file on "
			  "tmpfs");
		return;
	}
	fail_meaning(f, "nobody could stop the device when the memory is taken away: the driver "
		     "%s can't give a buffer back, and there is no I/O MMU", n->cap.driver);
	fail_help(f, "switch an I/O MMU on (intel_iommu=on); a driver with buf_revoke(); or, if "
		  "nothing ever takes this memory away, at your own risk, the parameter "
		  "unsafe_unrevocable of videobuf2_dma_pfn (it taints the kernel)");
}

static void unreachable(struct failure *f)
{
	fail_meaning(f, "the capture device can't reach the memory of this PCI device, as far as "
		     "the kernel knows: only the host bridge connects them, and it is not one "
		     "that is known to pass this on");
	fail_help(f, "put both below the same PCIe switch (with an I/O MMU also boot with "
		  "pci=disable_acs_redir= for its ports), use a machine whose host bridge is "
		  "known (any AMD processor since Zen), or --method copy");
}

static void gone(struct failure *f, const struct target *t)
{
	switch (f->error) {
	case EFAULT:
		fail_meaning(f, "%s had been taken before: the mapping has been taken away since "
			     "(the device was removed or disabled, the file cut off)", t->name);
		break;
	case ENODEV:
	case EIO:
		fail_meaning(f, "the capture device, or the memory, has gone");
		break;
	default:
		fail_meaning(f, "the memory had been taken before");
	}
	fail_help(f, "start again when %s is back; the kernel log may say where it went",
		  t->name);
}

void advise(struct failure *f, const struct node *n, const struct target *t, bool again,
	    int anonymous)
{
	if (again) {
		gone(f, t);
		return;
	}
	switch (f->error) {
	case EFAULT:
		fault(f, n, t, anonymous);
		break;
	case EINVAL:
		invalid(f, t);
		break;
	case EOPNOTSUPP:
		unrevocable(f, n, t);
		break;
	case EREMOTEIO:
		unreachable(f);
		break;
	case EIO:
		fail_meaning(f, "the memory is beyond what the device can address");
		fail_help(f, "memory further down, an I/O MMU, or --method copy");
		break;
	case EPERM:
		fail_meaning(f, "memory encryption forbids it, or kernel lockdown does together "
			     "with unsafe_unrevocable");
		fail_help(f, "a driver or an I/O MMU that can stop the device needs no "
			  "unsafe_unrevocable; or --method copy");
		break;
	case EBUSY:
		fail_meaning(f, "the mapping did not stop changing for a second");
		fail_help(f, "whoever moves this memory (a GPU driver, for instance) has to "
			  "leave it alone meanwhile");
		break;
	case ENOMEM:
		fail_meaning(f, "no memory is left, or no more may be locked "
			     "(ulimit -l, if this is not root)");
		break;
	default:
		fail_help(f, DEBUGGING);
	}
}

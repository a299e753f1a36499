// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the allocator needs and a stock kernel does not have: see compat.h
 *
 * A list of user memory is mapped in one of two ways:
 *
 * - As one range of I/O addresses, with the dma_iova_*() functions of Linux 7.3,
 *   where there is an I/O MMU. dma_iova_unlink() flushes the I/O TLB before it
 *   returns and does not free the addresses, so that it takes the memory away
 *   from a device that is using it. What the device does then is a fault that the
 *   I/O MMU reports: stock kernels can't lead it to a scratch page.
 *
 * - Entry by entry, by dma_map_phys() or its predecessors. Such a list can't be
 *   revoked: it is not known what is between the device and the memory, and to
 *   unmap it would free the addresses for somebody else.
 */
#define COMPAT_IMPLEMENTATION

#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/pfn.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "compat.h"

/*
 * The kernel's part: a physical range, and a range of I/O addresses
 */

#ifdef DMA_ATTR_MMIO	/* Linux 7.3 */

#define mmio_attr(sg)		(sg_page(sg) ? 0 : DMA_ATTR_MMIO)

static dma_addr_t map_entry(struct device *dev, struct scatterlist *sg,
			    phys_addr_t phys, enum dma_data_direction dir,
			    unsigned long attrs)
{
	return dma_map_phys(dev, phys, sg->length, dir, attrs | mmio_attr(sg));
}

static void unmap_entry(struct device *dev, struct scatterlist *sg,
			enum dma_data_direction dir, unsigned long attrs)
{
	dma_unmap_phys(dev, sg_dma_address(sg), sg_dma_len(sg), dir,
		       attrs | mmio_attr(sg));
}

static int link_entry(struct device *dev, struct dma_iova_state *state,
		      struct scatterlist *sg, phys_addr_t phys, size_t offset,
		      enum dma_data_direction dir, unsigned long attrs)
{
	return dma_iova_link(dev, state, phys, offset, sg->length, dir,
			     attrs | mmio_attr(sg));
}

/* Memory that was bounced is not where the I/O MMU leads to. */
static bool can_unlink(const struct dma_iova_state *state)
{
	return !(state->__size & DMA_IOVA_USE_SWIOTLB);
}

#else	/* Linux 6.12 */

struct dma_iova_state {
	dma_addr_t addr;
};

static dma_addr_t map_entry(struct device *dev, struct scatterlist *sg,
			    phys_addr_t phys, enum dma_data_direction dir,
			    unsigned long attrs)
{
	unsigned long pfn;

	if (sg_page(sg))
		return dma_map_page_attrs(dev, sg_page(sg), sg->offset,
					  sg->length, dir, attrs);

	/* dma_map_resource() warns of what might be RAM */
	for (pfn = PHYS_PFN(phys); pfn <= PHYS_PFN(phys + sg->length - 1); pfn++) {
		if (pfn_valid(pfn)) {
			dev_dbg(dev, "pfn %#lx can't be mapped as a resource\n",
				pfn);
			return DMA_MAPPING_ERROR;
		}
	}
	return dma_map_resource(dev, phys, sg->length, dir, attrs);
}

static void unmap_entry(struct device *dev, struct scatterlist *sg,
			enum dma_data_direction dir, unsigned long attrs)
{
	if (sg_page(sg))
		dma_unmap_page_attrs(dev, sg_dma_address(sg), sg_dma_len(sg),
				     dir, attrs);
	else
		dma_unmap_resource(dev, sg_dma_address(sg), sg_dma_len(sg), dir,
				   attrs);
}

static bool dma_iova_try_alloc(struct device *dev, struct dma_iova_state *state,
			       phys_addr_t phys, size_t size)
{
	return false;
}

static int link_entry(struct device *dev, struct dma_iova_state *state,
		      struct scatterlist *sg, phys_addr_t phys, size_t offset,
		      enum dma_data_direction dir, unsigned long attrs)
{
	return -EOPNOTSUPP;
}

static int dma_iova_sync(struct device *dev, struct dma_iova_state *state,
			 size_t offset, size_t size)
{
	return -EOPNOTSUPP;
}

static void dma_iova_unlink(struct device *dev, struct dma_iova_state *state,
			    size_t offset, size_t size,
			    enum dma_data_direction dir, unsigned long attrs)
{
}

static void dma_iova_free(struct device *dev, struct dma_iova_state *state)
{
}

static bool can_unlink(const struct dma_iova_state *state)
{
	return false;
}

#endif

#if IS_ENABLED(CONFIG_PCI_P2PDMA) && defined(DMA_ATTR_MMIO)

static bool peer_is_reached(struct pci_dev *provider, struct device *dev)
{
	return !provider->non_mappable_bars &&
	       pci_p2pdma_distance_many(provider, &dev, 1, false) >= 0;
}

#else	/* there is nobody to ask: Debian's 6.12 has no CONFIG_PCI_P2PDMA */

static bool peer_is_reached(struct pci_dev *provider, struct device *dev)
{
	return false;
}

#endif

/*
 * Scatterlists
 */

int sg_set_pfn(struct scatterlist *sg, unsigned long pfn, unsigned int len,
	       unsigned int offset)
{
	sg_set_page(sg, NULL, len, offset);
	/* wide enough? It is not on 32-bit machines without 64-bit DMA */
	sg_dma_address(sg) = PFN_PHYS(pfn) + offset;
	if (sg_dma_address(sg) != PFN_PHYS(pfn) + offset)
		return -ERANGE;
	return 0;
}

/* Until the entry is mapped */
static phys_addr_t entry_phys(struct scatterlist *sg)
{
	return sg_page(sg) ? sg_phys(sg) : sg_dma_address(sg);
}

/*
 * DMA mapping
 */

/**
 * struct compat_map - how a table is mapped
 * @is_iova: as one range, @state
 * @state: the range of I/O addresses
 * @size: length of the range in bytes
 * @lock: protects @revoked
 * @revoked: the range leads nowhere any more
 */
struct compat_map {
	bool			is_iova;
	struct dma_iova_state	state;
	size_t			size;
	spinlock_t		lock;	/* for revoked */
	bool			revoked;
};

/* The mapping of a table by its address: struct sg_table has no room for it */
static DEFINE_XARRAY(compat_maps);

static struct compat_map *find_map(struct sg_table *sgt)
{
	return xa_load(&compat_maps, (unsigned long)sgt);
}

/*
 * The parts are put one behind the other, which takes addresses that are aligned to
 * what the I/O MMU maps in one piece.
 */
static bool iova_fits_pages(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->pgsize_bitmap &&
	       (domain->pgsize_bitmap & -domain->pgsize_bitmap) <= PAGE_SIZE;
}

/* I/O addresses are aligned to their size, so this is rare */
static bool crosses_boundary(struct device *dev, dma_addr_t addr, size_t len)
{
	return (addr ^ (addr + len - 1)) & ~(u64)dma_get_seg_boundary(dev);
}

/* Returns -EOPNOTSUPP if this is not the way for the device. */
static int map_iova(struct device *dev, struct sg_table *sgt,
		    struct compat_map *map, enum dma_data_direction dir,
		    unsigned long attrs)
{
	struct scatterlist *sg;
	size_t mapped = 0;
	unsigned int i;
	int ret = 0;

	if (!iova_fits_pages(dev))
		return -EOPNOTSUPP;

	map->size = 0;
	for_each_sgtable_sg(sgt, sg, i)
		map->size += sg->length;
	if (!dma_iova_try_alloc(dev, &map->state, entry_phys(sgt->sgl),
				map->size))
		return -EOPNOTSUPP;

	for_each_sgtable_sg(sgt, sg, i) {
		dma_addr_t addr = map->state.addr + mapped;

		ret = -EINVAL;
		if (crosses_boundary(dev, addr, sg->length)) {
			dev_dbg(dev, "%pad+%#x crosses a DMA boundary\n", &addr,
				sg->length);
			break;
		}
		ret = link_entry(dev, &map->state, sg, entry_phys(sg), mapped,
				 dir, attrs);
		if (ret)
			break;
		sg_dma_address(sg) = addr;
		sg_dma_len(sg) = sg->length;
		mapped += sg->length;
	}
	if (!ret)
		ret = dma_iova_sync(dev, &map->state, 0, mapped);
	if (!ret) {
		map->is_iova = true;
		return 0;
	}

	if (mapped)
		dma_iova_unlink(dev, &map->state, 0, mapped, dir, attrs);
	dma_iova_free(dev, &map->state);
	/* not -EOPNOTSUPP: the addresses of the entries are gone */
	return ret == -EOPNOTSUPP ? -EIO : ret;
}

static void unmap_entries(struct device *dev, struct sg_table *sgt,
			  unsigned int nents, enum dma_data_direction dir,
			  unsigned long attrs)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(sgt->sgl, sg, nents, i)
		unmap_entry(dev, sg, dir, attrs);
}

/*
 * Without an I/O MMU a device has to reach the memory itself. The kernel finds that
 * out, too, but warns of a driver that did not know. Pages are bounced.
 */
static bool is_out_of_reach(struct device *dev, struct scatterlist *sg)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	phys_addr_t last = entry_phys(sg) + sg->length - 1;

	if (sg_page(sg) || (domain && domain->type != IOMMU_DOMAIN_IDENTITY) ||
	    last <= min_not_zero(dma_get_mask(dev), dev->bus_dma_limit))
		return false;

	dev_dbg(dev, "%pap is beyond what the device can address\n", &last);
	return true;
}

static int map_entries(struct device *dev, struct sg_table *sgt,
		       enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i) {
		dma_addr_t addr = DMA_MAPPING_ERROR;

		if (!is_out_of_reach(dev, sg))
			addr = map_entry(dev, sg, entry_phys(sg), dir, attrs);
		if (dma_mapping_error(dev, addr)) {
			unmap_entries(dev, sgt, i, dir, attrs);
			return -EIO;
		}
		sg_dma_address(sg) = addr;
		sg_dma_len(sg) = sg->length;
	}

	return 0;
}

/* The alias is for parisc, which has no package. */
int dma_map_sgtable_user(struct device *dev, struct sg_table *sgt,
			 enum dma_data_direction dir, unsigned long attrs,
			 const struct dma_user_alias *alias)
{
	struct compat_map *map;
	int ret;

	map = kzalloc_obj(*map);
	if (!map)
		return -ENOMEM;
	spin_lock_init(&map->lock);

	ret = xa_insert(&compat_maps, (unsigned long)sgt, map, GFP_KERNEL);
	if (ret)
		goto err_free;

	ret = map_iova(dev, sgt, map, dir, attrs);
	if (ret == -EOPNOTSUPP)
		ret = map_entries(dev, sgt, dir, attrs);
	if (ret)
		goto err_erase;

	sgt->nents = sgt->orig_nents;
	return 0;

err_erase:
	xa_erase(&compat_maps, (unsigned long)sgt);
err_free:
	kfree(map);
	return ret;
}

static void unlink_once(struct device *dev, struct compat_map *map,
			enum dma_data_direction dir, unsigned long attrs)
{
	unsigned long flags;

	/* whoever comes second must not return before the first one is done */
	spin_lock_irqsave(&map->lock, flags);
	if (!map->revoked)
		dma_iova_unlink(dev, &map->state, 0, map->size, dir, attrs);
	map->revoked = true;
	spin_unlock_irqrestore(&map->lock, flags);
}

void compat_unmap_sgtable(struct device *dev, struct sg_table *sgt,
			  enum dma_data_direction dir, unsigned long attrs)
{
	struct compat_map *map = find_map(sgt);

	if (!map) {
		dma_unmap_sgtable(dev, sgt, dir, attrs);
		return;
	}

	if (map->is_iova) {
		unlink_once(dev, map, dir, attrs);
		dma_iova_free(dev, &map->state);
	} else {
		unmap_entries(dev, sgt, sgt->orig_nents, dir, attrs);
	}
	xa_erase(&compat_maps, (unsigned long)sgt);
	kfree(map);
}

bool dma_can_revoke_sgtable(struct device *dev, struct sg_table *sgt)
{
	struct compat_map *map = find_map(sgt);

	return map && map->is_iova && can_unlink(&map->state);
}

int dma_revoke_sgtable(struct device *dev, struct sg_table *sgt,
		       enum dma_data_direction dir, unsigned long attrs)
{
	if (!dma_can_revoke_sgtable(dev, sgt))
		return -EOPNOTSUPP;

	unlink_once(dev, find_map(sgt), dir, attrs);
	return 0;
}

void compat_sync_sgtable_for_cpu(struct device *dev, struct sg_table *sgt,
				 enum dma_data_direction dir)
{
	struct scatterlist *sg;
	unsigned int i;

	if (!find_map(sgt)) {
		dma_sync_sgtable_for_cpu(dev, sgt, dir);
		return;
	}
	for_each_sgtable_sg(sgt, sg, i)
		if (sg_page(sg))
			dma_sync_single_for_cpu(dev, sg_dma_address(sg),
						sg_dma_len(sg), dir);
}

void compat_sync_sgtable_for_device(struct device *dev, struct sg_table *sgt,
				    enum dma_data_direction dir)
{
	struct scatterlist *sg;
	unsigned int i;

	if (!find_map(sgt)) {
		dma_sync_sgtable_for_device(dev, sgt, dir);
		return;
	}
	for_each_sgtable_sg(sgt, sg, i)
		if (sg_page(sg))
			dma_sync_single_for_device(dev, sg_dma_address(sg),
						   sg_dma_len(sg), dir);
}

/*
 * Peers
 */

/* Which of @pdev's BARs has a part of the memory? -1 if none. */
static int find_bar(struct pci_dev *pdev, phys_addr_t start, phys_addr_t last)
{
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		struct resource *res = &pdev->resource[i];

		if (resource_type(res) == IORESOURCE_MEM && res->parent &&
		    start <= res->end && last >= res->start)
			return i;
	}

	return -1;
}

static bool share_bridge(struct pci_dev *a, struct pci_dev *b)
{
	for (; a; a = pci_upstream_bridge(a)) {
		struct pci_dev *bridge;

		for (bridge = b; bridge; bridge = pci_upstream_bridge(bridge))
			if (a == bridge)
				return true;
	}

	return false;
}

static bool is_translated(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && (domain->type & __IOMMU_DOMAIN_PAGING);
}

/*
 * The memory is going to be mapped by its physical address. That leads to a peer
 * through the host bridge, if it is known to pass it on; and below a common bridge
 * if nobody translates the address on the way.
 */
static bool reaches_bar(struct device *dev, struct pci_dev *provider, int bar)
{
	if (!peer_is_reached(provider, dev))
		return false;
	if (!share_bridge(provider, to_pci_dev(dev)))
		return true;

	return !is_translated(dev) &&
	       pci_bus_address(provider, bar) == pci_resource_start(provider, bar);
}

int pci_p2pdma_route_sgtable(struct device *dev, struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	if (!dev_is_pci(dev))
		return 0;

	for_each_sgtable_sg(sgt, sg, i) {
		phys_addr_t phys = entry_phys(sg);
		struct pci_dev *provider = NULL;

		if (sg_page(sg))
			continue;
		for_each_pci_dev(provider) {
			int bar = find_bar(provider, phys, phys + sg->length - 1);

			if (bar < 0 || reaches_bar(dev, provider, bar))
				continue;
			dev_dbg(dev, "can't reach %pap, memory of %s\n", &phys,
				pci_name(provider));
			pci_dev_put(provider);
			return -EREMOTEIO;
		}
	}

	return 0;
}

/*
 * The kernel's address of user memory
 */

static void *vmap_valid(const struct vmap_phys_range *ranges, unsigned int nr,
			unsigned long nr_pages)
{
	unsigned long pfn, n = 0;
	struct page **pages;
	unsigned int i;
	void *vaddr;

	pages = kvmalloc_array(nr_pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;

	for (i = 0; i < nr; i++)
		for (pfn = PHYS_PFN(ranges[i].phys);
		     pfn < PHYS_PFN(ranges[i].phys + ranges[i].size); pfn++)
			pages[n++] = pfn_to_page(pfn);
	vaddr = vmap(pages, nr_pages, VM_MAP, ranges[0].prot);
	kvfree(pages);

	return vaddr;
}

static void *vmap_invalid(const struct vmap_phys_range *ranges, unsigned int nr,
			  unsigned long nr_pages)
{
	unsigned long *pfns, pfn, n = 0;
	unsigned int i;
	void *vaddr;

	pfns = kvmalloc_array(nr_pages, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return NULL;

	for (i = 0; i < nr; i++)
		for (pfn = PHYS_PFN(ranges[i].phys);
		     pfn < PHYS_PFN(ranges[i].phys + ranges[i].size); pfn++)
			pfns[n++] = pfn;
	vaddr = vmap_pfn(pfns, nr_pages, ranges[0].prot);
	kvfree(pfns);

	return vaddr;
}

/* vmap() takes what pfn_valid() knows, vmap_pfn() the rest, nothing takes both. */
void *vmap_phys_ranges(const struct vmap_phys_range *ranges, unsigned int nr)
{
	unsigned long pfn, nr_pages = 0, nr_valid = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (pgprot_val(ranges[i].prot) != pgprot_val(ranges[0].prot)) {
			pr_debug("memory of two types has no kernel address\n");
			return NULL;
		}
		for (pfn = PHYS_PFN(ranges[i].phys);
		     pfn < PHYS_PFN(ranges[i].phys + ranges[i].size); pfn++) {
			nr_pages++;
			nr_valid += pfn_valid(pfn);
		}
	}

	if (nr_valid == nr_pages)
		return vmap_valid(ranges, nr, nr_pages);
	if (!nr_valid)
		return vmap_invalid(ranges, nr, nr_pages);

	pr_debug("memory with and without pages has no kernel address\n");
	return NULL;
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=sparc64 machine='sun4v'
compiled=arch/sparc/kernel/pci_sun4v.o
implementation=dma_4v_map_sg
only='the sun4v machine of QEMU has no PCI'

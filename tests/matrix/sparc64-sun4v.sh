# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# tools/lab/matrix reads them
kernel=sparc64 machine='sun4u, with a hypervisor of the tests'
qemu='-vga none' master='' peer=''
append='kunit.filter_glob=pci_sun4v'
implementation=dma_4v_map_sg
only='the sun4v machine of QEMU has no PCI: KUnit reads the entries back'

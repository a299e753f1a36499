# SPDX-License-Identifier: GPL-2.0-only
# kunit.py's is for malta. Nothing of this is booted.
from ..qemu_config import QemuArchParams

QEMU_ARCH = QemuArchParams(linux_arch='mips',
			   kconfig='''
CONFIG_32BIT=y
CONFIG_CPU_LITTLE_ENDIAN=y
CONFIG_MACH_JAZZ=y''',
			   qemu_arch='mipsel',
			   kernel_path='vmlinux',
			   kernel_command_line='',
			   extra_qemu_params=[])

# SPDX-License-Identifier: GPL-2.0-only
# kunit.py's is for malta. QEMU loads no kernel into a Magnum, but hands its name
# and command line to the firmware, by way of the semihosting calls.
from ..qemu_config import QemuArchParams

QEMU_ARCH = QemuArchParams(linux_arch='mips',
			   kconfig='''
CONFIG_32BIT=y
CONFIG_CPU_LITTLE_ENDIAN=y
CONFIG_MACH_JAZZ=y
CONFIG_MIPS_MAGNUM_4000=y
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_CONSOLE=y''',
			   qemu_arch='mips64el',
			   kernel_path='vmlinux',
			   kernel_command_line='console=ttyS0',
			   extra_qemu_params=['-M', 'magnum', '-m', '128',
					      '-bios', '/lab/build/firmware',
					      '-semihosting-config',
					      'enable=on,target=native'])

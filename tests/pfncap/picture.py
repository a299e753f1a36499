# SPDX-License-Identifier: GPL-2.0-only
"""Pictures of 8 bit RGB: PNG as pfncap writes it, PPM as QEMU does."""
import struct
import zlib


class Picture:
    def __init__(self, width, height, rgb):
        assert len(rgb) == 3 * width * height, (width, height, len(rgb))
        self.width = width
        self.height = height
        self.rgb = rgb

    def __eq__(self, other):
        return (self.width, self.height, self.rgb) == \
            (other.width, other.height, other.rgb)

    def pixel(self, x, y):
        at = 3 * (y * self.width + x)
        return tuple(self.rgb[at:at + 3])

    def crop(self, width, height):
        line = 3 * self.width
        return Picture(width, height, b''.join(self.rgb[y * line:y * line + 3 * width]
                                               for y in range(height)))

    def colours(self):
        return len({self.rgb[i:i + 3] for i in range(0, len(self.rgb), 3)})


def read_ppm(path):
    with open(path, 'rb') as file:
        magic, size, largest = (file.readline().split() for _ in range(3))
        assert magic == [b'P6'] and largest == [b'255'], path
        return Picture(int(size[0]), int(size[1]), file.read())


def chunks(data):
    """Type and contents of each, whose checksum is right"""
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    at = 8
    while at < len(data):
        size, = struct.unpack('>I', data[at:at + 4])
        body = data[at + 4:at + 8 + size]
        crc, = struct.unpack('>I', data[at + 8 + size:at + 12 + size])
        assert crc == zlib.crc32(body)
        yield body[:4], body[4:]
        at += 12 + size


def read_png(path):
    """No filters, which is what pfncap uses"""
    with open(path, 'rb') as file:
        parts = list(chunks(file.read()))
    assert [kind for kind, _ in parts] == [b'IHDR', b'IDAT', b'IEND']
    width, height, *rest = struct.unpack('>IIBBBBB', parts[0][1])
    assert rest == [8, 2, 0, 0, 0]
    raw = zlib.decompress(parts[1][1])
    line = 1 + 3 * width
    assert len(raw) == line * height and not any(raw[::line])
    return Picture(width, height, b''.join(raw[y * line + 1:(y + 1) * line]
                                           for y in range(height)))

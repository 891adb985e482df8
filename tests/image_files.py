"""Image files in memory."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from skvision._readers.image_reader import ImageReader


def encode(picture, format="PNG", **options):
    """Return the bytes of a file."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def corners(height, width):
    """Return a smooth image whose four corners differ in color."""
    y, x = np.mgrid[:height, :width] / [[[height]], [[width]]]
    red, green = 255 * y, 255 * x
    return np.stack([red, green, 255 - (red + green) / 2], axis=-1).astype(np.uint8)


def read(source, size, **parameters):
    return ImageReader(size, **parameters).transform([source])[0]


def png(width, height, depth, color, *chunks):
    """Return a PNG of these chunks, which need not fit its header."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in [(b"IHDR", header), *chunks, (b"IEND", b"")]:
        crc = struct.pack(">I", zlib.crc32(name + data))
        parts += [struct.pack(">I", len(data)), name, data, crc]
    return b"".join(parts)


def png_16(pixels):
    """Return a PNG of 16-bit colors (H, W, 3), or with alpha (H, W, 4)."""
    height, width, n_channels = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    color = {3: 2, 4: 6}[n_channels]
    return png(width, height, 16, color, (b"IDAT", zlib.compress(data)))

"""PNG files without the chunks that an image does not need.

Pillow refuses a whole file if a text or a color profile in it is too large, or has a
wrong checksum.
"""

import io
import zlib
from typing import IO, Any

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME = 12  # bytes of a chunk besides its data: length, name and checksum
_USED = (b"tRNS", b"eXIf")  # transparency and orientation
_MOST_BYTES = 1 << 20  # of one of these
_MOST_PARTS = 100  # whole files have a few


class _Parts(io.RawIOBase):
    """Parts of a file, one after the other, as a file."""

    def __init__(self, file: IO[bytes], parts: list[tuple[int, int]]) -> None:
        self._file = file
        self._parts = parts
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        ends = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: sum(stop - start for start, stop in self._parts),
        }
        self._position = ends[whence] + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        before = self._position
        for start, stop in self._parts:
            if before < stop - start:
                self._file.seek(start + before)
                data = self._file.read(min(len(buffer), stop - start - before))
                buffer[: len(data)] = data
                self._position += len(data)
                return len(data)
            before -= stop - start
        return 0


def drop_chunks(file: IO[bytes]) -> tuple[IO[bytes], list[str]] | None:
    """Return a PNG without the chunks that its image does not need, and their names.

    Chunks of transparency and orientation are kept if their checksums are right.

    Returns
    -------
    image, names : file, list of str
        None if the file is no PNG, has none of these chunks, or is made to have a great
        many.
    """
    file.seek(0)
    if file.read(8) != _SIGNATURE:
        return None
    dropped: set[str] = set()
    parts, position = [(0, 8)], 8
    while len(head := file.read(8)) == 8:
        if len(parts) + len(dropped) > _MOST_PARTS:
            return None
        name, size = head[4:], int.from_bytes(head[:4]) + _FRAME
        is_ancillary = bool(name[0] & 0x20)
        if is_ancillary and not (name in _USED and _is_whole(file, name, size)):
            dropped.add(repr(name)[2:-1])
        elif parts[-1][1] == position:
            parts[-1] = parts[-1][0], position + size
        else:
            parts.append((position, position + size))
        position += size
        file.seek(position)
    if not dropped:
        return None
    return io.BufferedReader(_Parts(file, parts)), sorted(dropped)


def _is_whole(file: IO[bytes], name: bytes, size: int) -> bool:
    if size > _MOST_BYTES:
        return False
    data = file.read(size - _FRAME)
    return zlib.crc32(name + data) == int.from_bytes(file.read(4))

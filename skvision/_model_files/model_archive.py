"""The archive of a model file: entries, and the sizes of its arrays.

A model file is a zip archive in the format of `skops.io.dump`. It holds
``schema.json``, a tree of nodes that each name a type, and arrays in NumPy's format.
Before anything else is read, an archive must satisfy:

- Its entries are uncompressed, do not overlap and have different names.
- An array has a header as written by `numpy.save`, numbers or text of a fixed length,
  and exactly the number of bytes that the shape requires.
"""

import io
import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn
from zipfile import ZIP_STORED, ZipFile, ZipInfo

LARGEST_FILE = 1 << 30
SCHEMA = "schema.json"
ABOUT = "skvision.json"

_LONGEST_JSON = 1 << 22  # bytes
_LONGEST_DIRECTORY = 1 << 17
_LONGEST_HEADER = 512  # bytes, of an array
_LONGEST_TEXT = 1000  # characters, of an element of an array
_MOST_WITHOUT = 1 << 20  # elements along the other axes of an array without elements

_END_OF_ARCHIVE = struct.Struct("<4s4H2LH")
_LOCAL_HEADER = 30  # bytes, and the name

_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    r"\{'descr': '[<>|](?P<kind>[fiubU])(?P<length>[1-9]\d{0,3})', "
    r"'fortran_order': (?:True|False), "
    r"'shape': \((?P<shape>(?:\d{1,10}, ?){0,3}(?:\d{1,10})?)\), \} *\n"
)
_ITEM_SIZES = {"f": (4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,)}


class Archive(NamedTuple):
    """The description (empty if there is none), the schema and the shapes of arrays."""

    about: dict[str, Any]
    schema: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]


def open_archive(data: bytes | bytearray) -> Archive:
    """Read the contents of a model file.

    Parameters
    ----------
    data : bytes
        The content of the file.

    Returns
    -------
    archive : Archive
        The contents. The ``schema`` is not validated yet; see `model_schema`.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If the file is not an archive of JSON and arrays.
    """
    if len(data) > LARGEST_FILE:
        raise ValueError(f"it has {len(data)} bytes, over {LARGEST_FILE}")
    if not data.startswith(b"PK\3\4"):
        raise ValueError("it is not a zip archive")
    _check_directory(data)
    with ZipFile(io.BytesIO(data)) as archive:
        _check_entries(archive.infolist(), len(data))
        names = archive.namelist()
        if SCHEMA not in names:
            raise ValueError(f"it has no {SCHEMA}")
        about = _read_json(archive, ABOUT) if ABOUT in names else {}
        schema = _read_json(archive, SCHEMA)
        shapes = {
            entry.filename: _read_shape(archive, entry)
            for entry in archive.infolist()
            if entry.filename.endswith(".npy")
        }
    return Archive(about, schema, shapes)


def _check_directory(data: bytes | bytearray) -> None:
    """Reject archives for which `ZipFile` would need much memory or guesses."""
    if len(data) < _END_OF_ARCHIVE.size:
        raise ValueError("it is truncated")
    end = _END_OF_ARCHIVE.unpack_from(data, len(data) - _END_OF_ARCHIVE.size)
    if end[0] != b"PK\5\6" or end[-1] != 0 or data[-42:-38] == b"PK\6\7":
        raise ValueError("it does not end with an archive directory")
    if end[5] > _LONGEST_DIRECTORY:
        raise ValueError(f"its directory has {end[5]} bytes, over {_LONGEST_DIRECTORY}")


def _check_entries(entries: list[ZipInfo], n_bytes: int) -> None:
    if any(entry.compress_type != ZIP_STORED for entry in entries):
        raise ValueError("it is compressed")
    if any(entry.flag_bits & 1 for entry in entries):
        raise ValueError("it is encrypted")
    if sum(entry.file_size for entry in entries) > n_bytes:
        raise ValueError("its entries are larger than the file")
    if len({entry.filename for entry in entries}) < len(entries):
        raise ValueError("it has two entries of the same name")
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise ValueError("its entries overlap")
        end = entry.header_offset + _LOCAL_HEADER + len(entry.filename)
        end += entry.compress_size


def _read_json(archive: ZipFile, name: str) -> dict[str, Any]:
    length = archive.getinfo(name).file_size
    if length > _LONGEST_JSON:
        raise ValueError(f"its {name} has {length} bytes, over {_LONGEST_JSON}")
    content = json.loads(archive.read(name), parse_constant=_refuse_constant)
    if not isinstance(content, dict):
        raise ValueError(f"its {name} is not an object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a number")


def _read_shape(archive: ZipFile, entry: ZipInfo) -> tuple[int, ...]:
    """Return the shape of an array after checking its size in bytes."""
    name, start = entry.filename, len(_NPY_MAGIC) + 2
    with archive.open(entry) as file:
        content = file.read(start + _LONGEST_HEADER)
    length = int.from_bytes(content[start - 2 : start], "little")
    header = _NPY_HEADER.fullmatch(content[start : start + length].decode("latin-1"))
    if not content.startswith(_NPY_MAGIC) or header is None:
        raise ValueError(f"its {name} is not an array of numbers or text")
    size = int(header["length"])
    if header["kind"] == "U" and size <= _LONGEST_TEXT:
        size *= 4
    elif size not in _ITEM_SIZES.get(header["kind"], ()):
        raise ValueError(f"its {name} has elements of type {header['kind']}{size}")
    shape = tuple(int(side) for side in re.findall(r"\d+", header["shape"]))
    too_wide = 0 in shape and math.prod(filter(None, shape)) > _MOST_WITHOUT
    if too_wide or math.prod(shape) * size != entry.file_size - start - length:
        raise ValueError(f"its {name} does not have the size of its shape {shape}")
    return shape


def write_archive(
    schema: dict[str, Any], arrays: Mapping[str, bytes], about: dict[str, Any]
) -> bytes:
    """Return the content of a model file. Equal contents give equal files."""
    entries: dict[str, bytes | str] = {
        **arrays,
        SCHEMA: json.dumps(schema),
        ABOUT: json.dumps(about, indent=2, allow_nan=False),
    }
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(ZipInfo(name), content)  # without the time of day
    return buffer.getvalue()

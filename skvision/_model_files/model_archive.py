"""Validation of the contents of a model file, before any object is created.

A model file is a zip archive in the format of `skops.io.dump`. It holds
``schema.json``, a tree of nodes that each name a type, and arrays in NumPy's format.
skops accepts much more than a model needs, so a file must follow this grammar:

- Archive: the entries are uncompressed, do not overlap and have different names.
- Node: an object of a known type with exactly the fields of its loader. Nodes with the
  same id must be equal, so that no node contains itself and none is built twice.
- Array: a header as written by `numpy.save`, numbers or text of a fixed length, and
  exactly the number of bytes that the shape requires. Only one node refers to it.
"""

import io
import json
import math
import re
import struct
from typing import Any, NamedTuple, NoReturn
from zipfile import ZIP_STORED, ZipFile, ZipInfo

LARGEST_FILE = 1 << 30
SCHEMA = "schema.json"
ABOUT = "skvision.json"

_LONGEST_JSON = {SCHEMA: 1 << 21, ABOUT: 1 << 22}  # bytes
_LONGEST_DIRECTORY = 1 << 17
_MOST_NODES = 10_000  # a model has about 300
_DEEPEST = 40  # a model has 12
_LONGEST_TEXT = 1000  # characters, of an element of an array

_END_OF_ARCHIVE = struct.Struct("<4s4H2LH")
_LOCAL_HEADER = 30  # bytes, and the name
_LARGEST_INTEGER = 1 << 63

_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    r"\{'descr': '[<>|](?P<kind>[fiubU])(?P<length>[1-9]\d{0,3})', "
    r"'fortran_order': (?:True|False), "
    r"'shape': \((?P<shape>(?:\d{1,10}, ?){0,3}(?:\d{1,10})?)\), \} *\n"
)
_ITEM_SIZES = {"f": (4, 8), "i": (1, 2, 4, 8), "u": (1,), "b": (1,)}

_FIELDS = {
    "ObjectNode": {"content"},
    "DictNode": {"content", "key_types"},
    "ListNode": {"content"},
    "TupleNode": {"content"},
    "JsonNode": {"content", "is_json"},
    "TypeNode": set(),
    "NdArrayNode": {"type", "file"},
}
_EVERYWHERE = {"__class__", "__module__", "__loader__", "__id__"}
_AT_THE_ROOT = {"protocol", "_skops_version"}
_VALUES = set(_FIELDS) - {"TypeNode"}


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
        The contents. The ``schema`` is not validated yet; see `check_schema`.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If the file is not an archive of JSON and arrays.
    """
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
            name: _read_shape(name, archive.read(name))
            for name in names
            if name.endswith(".npy")
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
    if length > _LONGEST_JSON[name]:
        raise ValueError(f"its {name} has {length} bytes, over {_LONGEST_JSON[name]}")
    content = json.loads(archive.read(name), parse_constant=_refuse_constant)
    if not isinstance(content, dict):
        raise ValueError(f"its {name} is not an object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a number")


def _read_shape(name: str, content: bytes) -> tuple[int, ...]:
    """Return the shape of an array after checking its size in bytes."""
    start = len(_NPY_MAGIC) + 2
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
    if 0 in shape or math.prod(shape) * size != len(content) - start - length:
        raise ValueError(f"its {name} does not have the size of its shape {shape}")
    return shape


def check_schema(
    schema: dict[str, Any],
    shapes: dict[str, tuple[int, ...]],
    types: dict[str, set[str]],
) -> None:
    """Reject a tree that does not follow the grammar or names an unknown type.

    Parameters
    ----------
    schema : dict
        The tree.
    shapes : dict of str to tuple of int
        Shapes of the arrays in the archive, by the name of their entry.
    types : dict of str to set of str
        The types that each loader may create.

    Raises
    ------
    ValueError
        If the tree is rejected.
    """
    nodes: list[dict[str, Any]] = []
    waiting: list[tuple[Any, set[str], int]] = [(schema, _VALUES, 0)]
    while waiting:
        node, loaders, depth = waiting.pop()
        _check_node(node, loaders, types)
        nodes.append(node)
        if len(nodes) > _MOST_NODES or depth > _DEEPEST:
            raise ValueError(
                f"it has over {_MOST_NODES} nodes, or over {_DEEPEST} nested levels"
            )
        waiting += [(child, kind, depth + 1) for child, kind in _children(node)]
    first: dict[int, dict[str, Any]] = {}
    for node in nodes:  # skops uses the first node of an id for all others
        if first.setdefault(node["__id__"], node) != node:
            raise ValueError("it has two different nodes with the same id")
    _check_arrays([node for node in nodes if "file" in node], shapes)


def _check_node(node: Any, loaders: set[str], types: dict[str, set[str]]) -> None:
    if not isinstance(node, dict):
        raise ValueError(f"it has a {type(node).__name__} instead of a node")
    loader = str(node.get("__loader__"))
    name = f"{node.get('__module__')}.{node.get('__class__')}"
    if name not in types.get(loader, ()):
        raise ValueError(f"it holds {name}, a type that models do not use")
    needed = _EVERYWHERE | _FIELDS[loader]
    if loader not in loaders or node.keys() - _AT_THE_ROOT != needed:
        raise ValueError(f"it has {name} in the wrong place or with wrong fields")
    if type(node["__id__"]) is not int:
        raise ValueError("it has a node without an integer id")


def _children(node: dict[str, Any]) -> list[tuple[Any, set[str]]]:
    """Return the children of a node, with the loaders that each may have."""
    content = node.get("content")
    match node["__loader__"]:
        case "ObjectNode":
            return [(content, {"DictNode"})]
        case "DictNode" if isinstance(content, dict):
            key_types = node["key_types"]
            listed = key_types.get("content") if isinstance(key_types, dict) else None
            if not isinstance(listed, list) or len(listed) != len(content):
                raise ValueError("it has a dict without a type for each key")
            _check_keys(content, listed)
            values = [(value, _VALUES) for value in content.values()]
            return [(key_types, {"ListNode"}), *values]
        case "ListNode" | "TupleNode" if isinstance(content, list):
            of_types = any(
                isinstance(item, dict) and item.get("__loader__") == "TypeNode"
                for item in content
            )
            return [(item, {"TypeNode"} if of_types else _VALUES) for item in content]
        case "JsonNode":
            _check_scalar(content)
        case "DictNode" | "ListNode" | "TupleNode":
            raise ValueError(
                f"it has a {type(content).__name__} as the content of a node"
            )
    return []


def _check_keys(content: dict[str, Any], types: list[Any]) -> None:
    for key, kind in zip(content, types, strict=True):
        is_int = isinstance(kind, dict) and kind.get("__class__") == "int"
        if is_int and not re.fullmatch(r"-?\d{1,18}", key):
            raise ValueError(f"it has the key {key!r} instead of a number")


def _check_scalar(content: Any) -> None:
    """Reject a JSON string that is not a single number, text or constant."""
    if not isinstance(content, str):
        raise ValueError("it has a value that is not JSON")
    value = json.loads(content)
    if isinstance(value, list | dict):
        raise ValueError("it has a list or dict instead of a single value")
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        raise ValueError("it has an integer of more than 63 bits")


def _check_arrays(
    nodes: list[dict[str, Any]], shapes: dict[str, tuple[int, ...]]
) -> None:
    seen: set[str] = set()
    for node in nodes:
        name = str(node["file"])
        if node["type"] != "numpy" or name not in shapes:
            raise ValueError(f"it has no array {name}")
        if name in seen:
            raise ValueError("it uses an array twice")
        seen.add(name)
        if node["__class__"] != "ndarray" and shapes[name] != ():
            raise ValueError(f"it has an array {name} instead of a number")

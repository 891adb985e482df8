"""Validation of the tree of a model file, before any object is created.

skops accepts much more than a model needs, so a tree must follow this grammar:

- Node: an object of a known type with exactly the fields of its loader. Nodes with the
  same id must be equal, so that no node contains itself and none is built twice.
- Array: an entry of the archive. Nodes of different ids do not share one.
- Value: a number, text or constant, or a list of these.
"""

import json
import re
from typing import Any

_MOST_NODES = 20_000  # a model has about 300
_DEEPEST = 40  # a model has 12
_LARGEST_INTEGER = 1 << 128  # as the state of a random number generator

_FIELDS: dict[str, list[set[str]]] = {
    "ObjectNode": [{"content"}],
    "DictNode": [{"content", "key_types"}],
    "ListNode": [{"content"}],
    "TupleNode": [{"content"}],
    "JsonNode": [{"content", "is_json"}],
    "TypeNode": [set()],
    "NdArrayNode": [{"type", "file"}, {"type", "content", "shape"}],
    "MaskedArrayNode": [{"content"}],
    "RandomGeneratorNode": [{"content"}],
}
_PARTS = {
    "MaskedArrayNode": {"data": "NdArrayNode", "mask": "NdArrayNode"},
    "RandomGeneratorNode": {"bit_generator": "DictNode", "seed_seq": "DictNode"},
}
_EVERYWHERE = {"__class__", "__module__", "__loader__", "__id__"}
_AT_THE_ROOT = {"protocol", "_skops_version"}
_VALUES = set(_FIELDS) - {"TypeNode"}


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
    fields = node.keys() - _AT_THE_ROOT - _EVERYWHERE
    complete = node.keys() >= _EVERYWHERE and fields in _FIELDS[loader]
    if loader not in loaders or not complete:
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
            _check_value(content)
        case "NdArrayNode" if content is not None:
            if not isinstance(content, list) or node["type"] != "json":
                raise ValueError("it has an array without a list of elements")
            return [(node["shape"], {"TupleNode"}), *((i, _VALUES) for i in content)]
        case "MaskedArrayNode" | "RandomGeneratorNode" as loader:
            parts = _PARTS[loader]
            if not isinstance(content, dict) or content.keys() != parts.keys():
                raise ValueError(f"it has a {loader} without its parts")
            return [(content[name], {part}) for name, part in parts.items()]
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


def _check_value(content: Any) -> None:
    """Reject a JSON string that is neither a number, text or constant, nor a list."""
    if not isinstance(content, str):
        raise ValueError("it has a value that is not JSON")
    value = json.loads(content)
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, list | dict):
            raise ValueError("it has a nested list or dict instead of values")
        if isinstance(item, int) and abs(item) >= _LARGEST_INTEGER:
            raise ValueError("it has an integer of more than 128 bits")


def _check_arrays(
    nodes: list[dict[str, Any]], shapes: dict[str, tuple[int, ...]]
) -> None:
    owners: dict[str, int] = {}
    for node in nodes:
        name = str(node["file"])
        if node["type"] != "numpy" or name not in shapes:
            raise ValueError(f"it has no array {name}")
        if owners.setdefault(name, node["__id__"]) != node["__id__"]:
            raise ValueError("it uses an array twice")
        if node["__class__"] != "ndarray" and shapes[name] != ():
            raise ValueError(f"it has an array {name} instead of a number")

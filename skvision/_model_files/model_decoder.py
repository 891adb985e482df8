"""Construction of a model from a tree of nodes that `model_schema` has accepted.

Classes are found by their names in `model_types`, objects are made without a call of
their constructors, and their attributes are set. Nothing else is called.
"""

import io
import json
from typing import Any
from zipfile import ZipFile

import numpy as np

from skvision._model_files.model_types import find_type

Node = dict[str, Any]

_TYPES_OF_KEYS = {"str": str, "int": int}


class Decoder:
    """Reader of nodes.

    Attributes
    ----------
    objects : list
        The estimators, and other objects with attributes, that were made.
    """

    def __init__(self, archive: ZipFile) -> None:
        self.objects: list[Any] = []
        self._archive = archive
        self._made: dict[int, Any] = {}  # by the id of the node

    def decode(self, node: Node) -> Any:
        """Return the value of a node, the same for each node with its id."""
        key = node["__id__"]
        if key not in self._made:
            self._made[key] = self._make(node)
        return self._made[key]

    def _make(self, node: Node) -> Any:
        match node["__loader__"]:
            case "JsonNode":
                return json.loads(node["content"])
            case "ListNode":
                return [self.decode(item) for item in node["content"]]
            case "TupleNode":
                items = [self.decode(item) for item in node["content"]]
                kind = _type_of(node)
                return kind(items) if kind is tuple else kind(*items)
            case "DictNode":
                return self._make_dict(node)
            case "NdArrayNode":
                return self._make_array(node)
            case "MaskedArrayNode":
                data, mask = map(self.decode, node["content"].values())
                return np.ma.MaskedArray(data, mask)
            case "RandomGeneratorNode":
                generator = np.random.PCG64(0)
                generator.state = self.decode(node["content"]["bit_generator"])
                return np.random.Generator(generator)
        return self._make_object(node)

    def _make_object(self, node: Node) -> Any:
        kind = _type_of(node)
        state = self.decode(node["content"])
        state.pop("_sklearn_version", None)
        made = kind.__new__(kind)
        vars(made).update(state)
        self.objects.append(made)
        return made

    def _make_dict(self, node: Node) -> Any:
        made = _type_of(node)()
        types = [item["__class__"] for item in node["key_types"]["content"]]
        for kind, (key, item) in zip(types, node["content"].items(), strict=True):
            made[_TYPES_OF_KEYS[kind](key)] = self.decode(item)
        return made

    def _make_array(self, node: Node) -> Any:
        if node["type"] == "json":
            array = np.empty(len(node["content"]), object)
            for i, item in enumerate(node["content"]):
                array[i] = self.decode(item)
            return array.reshape(self.decode(node["shape"]))
        content = io.BytesIO(self._archive.read(node["file"]))
        array = np.load(content, allow_pickle=False)
        return array if _type_of(node) is np.ndarray else array[()]


def _type_of(node: Node) -> Any:
    return find_type(f"{node['__module__']}.{node['__class__']}")

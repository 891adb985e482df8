"""Conversion of a model to a tree of nodes and arrays.

The tree is that of `skops.io.dump`, so that skops can also read it; see `model_schema`.
The same model always gives the same tree. Parameters that belong to the machine and not
to the model (``n_jobs``), and callbacks and metadata requests, which are for fits, are
left out.
"""

import io
import json
from typing import Any

import numpy as np

from skvision._model_files.model_types import ESTIMATORS, is_listed, name_of

Node = dict[str, Any]

_PLAIN = (type(None), bool, int, float, str)
_LEFT_OUT = {
    *("_skl_callbacks", "_parent_callback_ctx", "_metadata_request"),
    "_transformers_feature_names_out",  # which a union sets when it is used
}
_PROTOCOL = 2  # of the nodes of skops
_SKOPS_VERSION = "0.12"  # the oldest that reads them


class Encoder:
    """Writer of nodes, with the arrays that they refer to.

    Attributes
    ----------
    arrays : dict of str to bytes
        The content of files in NumPy's format, by name.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, bytes] = {}
        self._nodes: dict[int, Node] = {}  # by the id of the object
        self._begun: list[Any] = []  # their objects, which must live as long
        self._open: set[int] = set()  # ids of objects that contain the current one
        self._n_nodes = 0

    def encode(self, model: Any) -> Node:
        """Return the root of the tree of an estimator.

        Raises
        ------
        ValueError
            If it is not an estimator that can be saved, or if a part of it is not; the
            message names the parameter or attribute.
        """
        name = name_of(type(model))
        if name not in ESTIMATORS or not is_listed(type(model), "ObjectNode"):
            best = hasattr(model, "best_estimator_")
            advice = ": save its best_estimator_" if best else ""
            raise ValueError(
                f"a {type(model).__name__} is not among the estimators that model "
                f"files hold{advice}"
            )
        root = self._node(model, type(model).__name__)
        return {**root, "protocol": _PROTOCOL, "_skops_version": _SKOPS_VERSION}

    def _node(self, value: Any, where: str) -> Node:
        """Return the node of a value, the same for each mention of the same object."""
        if type(value) in _PLAIN:
            return self._new("JsonNode", str, content=json.dumps(value), is_json=True)
        key = id(value)
        if key in self._open:
            raise ValueError(f"{where} contains itself")
        if key not in self._nodes:
            self._begun.append(value)
            self._open.add(key)
            self._nodes[key] = self._node_of_object(value, where)
            self._open.remove(key)
        return self._nodes[key]

    def _new(self, loader: str, kind: type, **content: Any) -> Node:
        self._n_nodes += 1
        return {
            "__class__": kind.__name__,
            "__module__": kind.__module__,
            "__loader__": loader,
            "__id__": self._n_nodes,
            **content,
        }

    def _node_of_object(self, value: Any, where: str) -> Node:
        kind = type(value)
        if kind is np.ma.MaskedArray:
            parts = {"data": value.data, "mask": np.ma.getmaskarray(value)}
            content = {name: self._node(part, where) for name, part in parts.items()}
            return self._new("MaskedArrayNode", kind, content=content)
        if isinstance(value, np.ndarray | np.generic):
            return self._node_of_array(value, where)
        if kind is list and all(type(item) in _PLAIN for item in value):
            return self._new("JsonNode", str, content=json.dumps(value), is_json=True)
        if kind is list:
            items = [self._node(item, where) for item in value]
            return self._new("ListNode", list, content=items)
        if isinstance(value, tuple) and is_listed(kind, "TupleNode"):
            items = [self._node(item, where) for item in value]
            return self._new("TupleNode", kind, content=items)
        if isinstance(value, dict) and is_listed(kind, "DictNode"):
            return self._node_of_dict(value, kind, where)
        if kind is np.random.Generator:
            return self._node_of_generator(value, where)
        if is_listed(kind, "ObjectNode"):
            return self._node_of_listed(value)
        raise ValueError(
            f"{where} is a {kind.__name__}, which a model file cannot hold"
        )

    def _node_of_listed(self, value: Any) -> Node:
        """Return the node of an estimator or a part of one."""
        kind = type(value)
        ask = value.plain_state if hasattr(kind, "plain_state") else value.__getstate__
        state = {name: of for name, of in ask().items() if name not in _LEFT_OUT}
        if "n_jobs" in state:
            state["n_jobs"] = None
        content = {
            name: self._node(part, f"{name} of {kind.__name__}")
            for name, part in state.items()
        }
        types = self._types_of_keys([str] * len(content))
        attributes = self._new("DictNode", dict, content=content, key_types=types)
        return self._new("ObjectNode", kind, content=attributes)

    def _node_of_dict(self, value: dict[Any, Any], kind: type, where: str) -> Node:
        keys = [key.item() if isinstance(key, np.generic) else key for key in value]
        if any(type(key) not in (str, int) for key in keys):
            raise ValueError(f"{where} has keys that are neither text nor integers")
        content = {
            str(key): self._node(item, where)
            for key, item in zip(keys, value.values(), strict=True)
        }
        if len(content) < len(keys):
            raise ValueError(f"{where} has keys that are equal as text")
        types = self._types_of_keys(list(map(type, keys)))
        return self._new("DictNode", kind, content=content, key_types=types)

    def _types_of_keys(self, kinds: list[type]) -> Node:
        items = [self._new("TypeNode", kind) for kind in kinds]
        return self._new("ListNode", list, content=items)

    def _node_of_array(self, value: Any, where: str) -> Node:
        array = np.asarray(value)
        kind = type(value) if isinstance(value, np.generic) else np.ndarray
        if array.dtype.kind == "O":
            items = [self._node(item, where) for item in array.ravel()]
            shape = self._node(array.shape, where)
            return self._new(
                "NdArrayNode", kind, content=items, type="json", shape=shape
            )
        held = array.dtype.kind in "biuU" or array.dtype.str[1:] in ("f4", "f8")
        if not held or not is_listed(kind, "NdArrayNode"):
            raise ValueError(
                f"{where} is an array of {array.dtype}, which a model file cannot hold"
            )
        node = self._new("NdArrayNode", kind, type="numpy")
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        self.arrays[f"{node['__id__']}.npy"] = buffer.getvalue()
        return {**node, "file": f"{node['__id__']}.npy"}

    def _node_of_generator(self, value: np.random.Generator, where: str) -> Node:
        state = value.bit_generator.state
        if state["bit_generator"] != "PCG64":
            raise ValueError(f"{where} is not a generator of numpy.random.default_rng")
        seed = {"entropy": 0, "spawn_key": (), "pool_size": 4, "n_children_spawned": 0}
        content = {
            "bit_generator": self._node(state, where),
            "seed_seq": self._node(seed, where),  # which only generators of parts need
        }
        return self._new("RandomGeneratorNode", type(value), content=content)

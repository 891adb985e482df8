"""Damaged model files, any number of them from a seed."""

import io
import json
import zipfile

import numpy as np


def entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


NUMBERS = (0, -1, 1, 2, 3, 10**6, 10**9, 10**18, 10**30, 0.5, -0.0, 1e-300, 1e300, 1e39)
SCALARS = (*NUMBERS, None, True, False, "", "x", "NaN", float("nan"), float("inf"))


def containers(value, found):
    """Collect every dict and list in JSON."""
    if isinstance(value, dict | list):
        found.append(value)
        for item in value.values() if isinstance(value, dict) else value:
            containers(item, found)
    return found


def change_tree(rng, tree):
    """Delete, repeat, nest, swap or overwrite something in JSON."""
    found = [box for box in containers(tree, []) if box]
    if not found:
        return
    box = found[rng.integers(len(found))]
    keys = list(box) if isinstance(box, dict) else range(len(box))
    key = keys[rng.integers(len(keys))]
    match rng.integers(7):
        case 0:
            del box[key]
        case 1 if isinstance(box, list):
            box += [box[key]] * int(rng.integers(1, 8))
        case 2:
            for _ in range(rng.integers(1, 60)):
                box[key] = {"__id__": 7, "content": [box[key]]}
        case 3:
            box[key] = json.loads(json.dumps(found[rng.integers(len(found))]))
        case 4:
            box[key] = SCALARS[rng.integers(len(SCALARS))]
        case 5:
            box[key] = json.dumps(SCALARS[rng.integers(len(SCALARS))])
        case _:
            scalars = [
                box for box in found if isinstance(box, dict) and "is_json" in box
            ]
            if scalars:
                scalar = scalars[rng.integers(len(scalars))]
                scalar["content"] = json.dumps(SCALARS[rng.integers(len(SCALARS))])


def change_json(rng, content):
    """Change JSON once or a few times."""
    tree = json.loads(content)
    for _ in range(rng.integers(1, 4)):
        change_tree(rng, tree)
    return json.dumps(tree).encode()


TYPES = (
    b"<f4",
    b"<f8",
    b"|V0",
    b"|S0",
    b"<U0",
    b"<U9",
    b"|O",
    b"<M8[s]",
    b"|b1",
    b">f8",
)
SHAPES = (b"()", b"(0,)", b"(-1,)", b"(1,)", b"(3, 116)", b"(9223372036854775807,)")
FLOATS = (np.nan, np.inf, -np.inf, 0.0, 3e38, -3e38, 1e-38, 1e-45, 1e30)


def change_array(rng, content):
    """Change the header of an array, or its numbers."""
    header, values = content[:128], bytearray(content[128:])
    match rng.integers(4):
        case 0:
            kind = TYPES[rng.integers(len(TYPES))]
            start = header.index(b"'descr': '") + 10
            header = header[:start] + kind + header[header.index(b"'", start) :]
            header = header[:127].ljust(127) + b"\n"
        case 1:
            shape = SHAPES[rng.integers(len(SHAPES))]
            start = header.index(b"(")
            header = header[:start] + shape + header[header.index(b")") + 1 :]
            header = header.rstrip().ljust(127) + b"\n"
        case 2:
            values = values[: rng.integers(len(values) + 1)]
        case _:
            size = 8 if b"f8" in header else 4
            floats = np.frombuffer(values, f"<f{size}").copy() if values else []
            if len(floats):
                places = rng.integers(0, len(floats), rng.integers(1, 5))
                with np.errstate(over="ignore"):
                    floats[places] = FLOATS[rng.integers(len(FLOATS))]
                values = floats.tobytes()
    return header + bytes(values)


def mutants(data, n, seed):
    """Yield damaged files."""
    rng = np.random.default_rng(seed)
    whole = entries(data)
    arrays = [name for name in whole if name.endswith(".npy")]
    for _ in range(n):
        contents = dict(whole)
        match rng.integers(6):
            case 0:
                damaged = bytearray(data)
                for place in rng.integers(0, len(data), rng.integers(1, 20)):
                    damaged[place] = rng.integers(256)
                yield bytes(damaged)
                continue
            case 1 if arrays:
                name = arrays[rng.integers(len(arrays))]
                contents[name] = change_array(rng, contents[name])
            case 2:
                contents["skvision.json"] = change_json(rng, contents["skvision.json"])
            case _:
                contents["schema.json"] = change_json(rng, contents["schema.json"])
        yield pack(contents)

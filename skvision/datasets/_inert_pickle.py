"""Parser of the pickles of the CIFAR datasets that imports and calls nothing.

A pickle is a program, which Python's own reader runs. This parser supports the few
instructions in the published files, and stores calls as `Call` objects. The files were
written by Python 2, so that their strings are bytes.
"""

import pickletools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CALLABLES = {"numpy.core.multiarray _reconstruct", "numpy dtype", "numpy ndarray"}
_CONSTANTS = {"NONE": None, "NEWFALSE": False, "NEWTRUE": True, "EMPTY_TUPLE": ()}


@dataclass
class Call:
    """A call in a pickle, which is not made, and the state for its result."""

    function: str
    arguments: Any
    state: Any = None


def read_pickle(path: Path) -> dict[bytes, Any]:
    """Return the dict in a pickle, which consists of numbers, bytes, lists and calls.

    The memory that it takes is proportional to the size of the file.

    Raises
    ------
    ValueError
        If the file is not such a pickle.
    """
    with path.open("rb") as file:
        try:
            value = _evaluate(pickletools.genops(file))
        except Exception as error:
            raise ValueError(
                f"{path} is damaged or not a file of the Python version of CIFAR: "
                f"{error}. Unpack the published archive again."
            ) from error
    if not isinstance(value, dict):
        raise ValueError(
            f"{path} is not a file of the Python version of CIFAR: it does not contain "
            f"a dict. Unpack the published archive again."
        )
    return value


def _evaluate(program: Iterable[tuple[Any, Any, Any]]) -> Any:
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    for instruction, argument, position in program:
        match instruction.name:
            case "BININT" | "BININT1" | "BININT2":
                stack.append(argument)
            case "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument.encode("latin-1"))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "NONE" | "NEWFALSE" | "NEWTRUE" | "EMPTY_TUPLE":
                stack.append(_CONSTANTS[instruction.name])
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(_cut(stack, marks.pop())))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(_cut(stack, -int(instruction.name[-1]))))
            case "APPEND":
                _extend(_cut(stack, -1), stack[-1])
            case "APPENDS":
                _extend(_cut(stack, marks.pop()), stack[-1])
            case "SETITEM":
                _update(_cut(stack, -2), stack[-1])
            case "SETITEMS":
                _update(_cut(stack, marks.pop()), stack[-1])
            case "GLOBAL" if argument in _CALLABLES:
                stack.append(argument)
            case "GLOBAL":
                raise ValueError(f"it refers to {argument!r}, which is not allowed")
            case "REDUCE":
                stack.append(Call(*_cut(stack, -2)))
            case "BUILD":
                _build(_cut(stack, -1), stack[-1])
            case "PROTO" | "STOP":
                pass
            case name:
                raise ValueError(f"it has the instruction {name} at byte {position}")
    return stack.pop()


def _cut(stack: list[Any], start: int) -> list[Any]:
    """Remove the items from ``start`` on from the stack, and return them."""
    items = stack[start:]
    del stack[start:]
    return items


def _extend(items: list[Any], target: Any) -> None:
    if not isinstance(target, list):
        raise TypeError("it appends to an object that is not a list")
    target.extend(items)


def _update(items: list[Any], target: Any) -> None:
    # Hashing a deeply nested tuple would overflow the C stack.
    if not all(isinstance(key, bytes) for key in items[::2]):
        raise TypeError("it has a dict whose keys are not strings")
    target.update(zip(items[::2], items[1::2], strict=True))


def _build(state: list[Any], target: Any) -> None:
    if not isinstance(target, Call):
        raise TypeError("it sets the state of an object that is not an array")
    (target.state,) = state

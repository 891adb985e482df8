"""The pickles of the CIFAR sets, read as data: nothing in them is imported or called.

A pickle is a program, and Python's own reader runs it. This one knows the few
instructions that the published files are made of and keeps what would be a call as a
`Call`. Python 2 wrote them: their strings are bytes.
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
    """A call that a pickle asks for, and the state that it would give the result."""

    function: str
    arguments: Any
    state: Any = None


def read_pickle(path: Path) -> dict[bytes, Any]:
    """Return the dict in a pickle, made of numbers, bytes, lists, tuples and calls.

    The memory that it takes is in proportion to the size of the file.

    Raises
    ------
    ValueError
        If it is no such pickle, whatever else it is.
    """
    with path.open("rb") as file:
        try:
            value = _evaluate(pickletools.genops(file))
        except Exception as error:
            raise ValueError(
                f"{path} is damaged or no file of CIFAR's Python version: {error}. "
                f"Unpack the published archive again."
            ) from error
    if not isinstance(value, dict):
        raise ValueError(
            f"{path} is no file of CIFAR's Python version: it holds no dict. Unpack "
            f"the published archive again."
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
                raise ValueError(f"it asks for {argument!r}, which no image needs")
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
    """Take everything from ``start`` off the stack."""
    items = stack[start:]
    del stack[start:]
    return items


def _extend(items: list[Any], target: Any) -> None:
    if not isinstance(target, list):
        raise TypeError("it appends to what is no list")
    target.extend(items)


def _update(items: list[Any], target: Any) -> None:
    # To hash a deeply nested tuple would overflow the C stack.
    if not all(isinstance(key, bytes) for key in items[::2]):
        raise TypeError("it has a dict with keys that are no text")
    target.update(zip(items[::2], items[1::2], strict=True))


def _build(state: list[Any], target: Any) -> None:
    if not isinstance(target, Call):
        raise TypeError("it gives a state to what is no array")
    (target.state,) = state

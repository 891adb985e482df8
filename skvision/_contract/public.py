"""Stable names: public classes are named by their public path, not by their file."""

from collections.abc import Callable
from typing import Any, TypeVar

Thing = TypeVar("Thing", bound=Callable[..., Any])


def public(module: str) -> Callable[[Thing], Thing]:
    """Return a decorator that sets ``__module__`` to a public module.

    Pickles, model files, representations and the documentation use this name, so that
    they stay valid when the file moves.
    """

    def name(thing: Thing) -> Thing:
        thing.__module__ = module
        return thing

    return name

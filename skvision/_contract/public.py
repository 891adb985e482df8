"""Names that stay: what is public is named by its public path, wherever its file is."""

from collections.abc import Callable
from typing import Any, TypeVar

Thing = TypeVar("Thing", bound=Callable[..., Any])


def public(module: str) -> Callable[[Thing], Thing]:
    """Set ``__module__`` of a class or a function to its public module; a decorator.

    Pickles, model files, representations and the documentation name it so, and stay
    valid when its file moves.
    """

    def name(thing: Thing) -> Thing:
        thing.__module__ = module
        return thing

    return name

"""Names of splits: which words say that images are for training or for testing."""

import re
from typing import NamedTuple

from skvision.datasets._class_names import normalize_name

_KINDS = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
    "pred": "prediction",
    "batch": "part",
    "fold": "part",
    "part": "part",
    "split": "part",
}
# Words that stand beside those of a split without naming a class.
_NEUTRAL = set(
    "set data dataset image images img imgs photo photos picture pictures sample "
    "samples subset folder".split()
)
_JOINED = re.compile(f"({'|'.join(_KINDS)})(set|data|images|imgs)")


class SplitName(NamedTuple):
    """What a name says of a split.

    Attributes
    ----------
    kind : {"train", "validation", "test", "prediction", "part"} or None
        The split that one of its words names; None if there is no such word.
    rest : tuple of str
        The other words, without neutral ones and single letters.
    """

    kind: str | None
    rest: tuple[str, ...]


def parse_split_name(name: str) -> SplitName:
    """Return which split a name names.

    Words are parted by anything that is no letter, and by camel case.

    Examples
    --------
    >>> from skvision.datasets._split_names import parse_split_name
    >>> parse_split_name("seg_train")
    SplitName(kind='train', rest=('seg',))
    >>> parse_split_name("TestImages2")
    SplitName(kind='test', rest=())
    >>> parse_split_name("trainers")
    SplitName(kind=None, rest=('trainers',))
    """
    kinds, rest = [], []
    for word in _words(normalize_name(name)):
        joined = _JOINED.fullmatch(word)
        kind = _KINDS.get(joined[1] if joined else word)
        if kind:
            kinds.append(kind)
        elif len(word) > 1 and word not in _NEUTRAL:
            rest.append(word)
    kinds.sort(key=lambda kind: kind == "part")  # other words say more
    return SplitName(kinds[0] if kinds else None, tuple(rest))


def _words(name: str) -> list[str]:
    text = ""
    for before, letter, after in zip(f" {name}", name, f"{name[1:]} ", strict=False):
        starts_word = letter.isupper() and (before.islower() or after.islower())
        text += " " * starts_word + (letter if letter.isalpha() else " ")
    return " ".join(text.lower().split()).replace("hold out", "holdout").split()

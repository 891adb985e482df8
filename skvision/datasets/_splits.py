"""Splits: folders that part the images for training from those for testing.

A folder for each split looks like a folder for each class. Names and contents tell them
apart: splits are named so, or hold the same classes.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple, NoReturn

from skvision._contract.warn import warn
from skvision.datasets._flat_folder import LabelHints, find_hints
from skvision.datasets._layout_error import FolderLayoutError
from skvision.datasets._split_names import SplitName, parse_split_name

_MOST_NAMED = 8
_ENOUGH_SHARED = 2  # classes in common, where one may be chance


class _Folder(NamedTuple):
    """A folder that may be a class or a split.

    Attributes
    ----------
    path : Path
        The folder.
    images : list of Path
        The image files in it and in the folders inside it.
    inner : dict of str to list of Path
        Those of them that are in each folder directly inside.
    split : SplitName
        What its name says of a split.
    """

    path: Path
    images: Sequence[Path]
    inner: dict[str, list[Path]]
    split: SplitName

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def has_direct_images(self) -> bool:
        """Whether some images are in no folder inside."""
        return sum(map(len, self.inner.values())) < len(self.images)

    @property
    def is_nested(self) -> bool:
        """Whether all images are in two or more folders inside."""
        return len(self.inner) > 1 and not self.has_direct_images


def refuse_splits(root: Path, images: Mapping[str, Sequence[Path]]) -> None:
    """Raise an error if folders are splits; warn if they may be.

    Parameters
    ----------
    root : Path
        The folder that they are in.
    images : mapping of str to sequence of Path
        The names of the folders, and the image files in each.

    Raises
    ------
    FolderLayoutError
        If they are splits; the error has the folders to train and to test on.
    """
    folders = _folders(root, images)
    _refuse_named(root, folders)
    filled = [folder for folder in folders if folder.images]
    if len(filled) == 1:  # it may wrap the splits
        refuse_splits(filled[0].path, filled[0].inner)
        return
    for folder in filled:  # one of them may
        inner = _folders(folder.path, folder.inner)
        if any(each.is_nested for each in inner):
            _refuse_named(folder.path, inner)
    if filled and all(folder.is_nested for folder in filled):
        if all(folder.inner.keys() == filled[0].inner.keys() for folder in filled):
            _refuse_same_folders(root, filled)
    _warn_if_doubtful(root, filled)


def refuse_named_splits(root: Path, images: Mapping[str, Sequence[Path]]) -> None:
    """Raise an error if the names of folders say that they are splits.

    Parameters and errors are those of `refuse_splits`.
    """
    _refuse_named(root, _folders(root, images))


def _folders(root: Path, images: Mapping[str, Sequence[Path]]) -> list[_Folder]:
    folders = []
    for name, paths in images.items():
        depth = len((root / name).parts)
        inner: dict[str, list[Path]] = {}
        for path in paths:
            if len(path.parts) > depth + 1:
                inner.setdefault(path.parts[depth], []).append(path)
        folders.append(_Folder(root / name, paths, inner, parse_split_name(name)))
    return folders


def _refuse_named(root: Path, folders: Sequence[_Folder]) -> None:
    """Raise an error if the names of folders say that they are splits."""
    named = [folder for folder in folders if folder.split.kind]
    names = {folder.name for folder in folders}
    for folder in named:
        if len(names.intersection(folder.inner)) >= _ENOUGH_SHARED:
            raise FolderLayoutError(
                f"{folder.path} has the same classes as {root}: it is a split, not a "
                f"class.",
                f"Move it out of {root}, and use the two folders apart.",
            )
    filled = [folder for folder in folders if folder.images]
    is_alone = len(filled) == 1 and filled[0].split.kind and filled[0].is_nested
    if is_alone or any(_part_one_set(*pair) for pair in product(named, folders)):
        what = f"The folders in {root} are splits, not classes: {_list(named)}."
        _refuse(what, folders)


def _part_one_set(named: _Folder, other: _Folder) -> bool:
    """Return whether a split and another folder are splits of the same images."""
    if named.split.kind == other.split.kind:
        return False
    is_named_alike = other.split.kind and named.split.rest == other.split.rest
    return bool(is_named_alike) or _share_classes(named, other)


def _share_classes(one: _Folder, other: _Folder) -> bool:
    return len(one.inner.keys() & other.inner.keys()) >= _ENOUGH_SHARED


def _refuse_same_folders(root: Path, folders: Sequence[_Folder]) -> NoReturn:
    """Raise an error for folders that all hold the same folders."""
    first = folders[0]
    inner = _folders(first.path, first.inner)
    if len({folder.split.kind for folder in inner} - {None}) > 1:
        raise FolderLayoutError(
            f"Each of the folders in {root} holds splits: {_list(folders)}.",
            f"Turn them inside out, so that each split has a folder for each class, "
            f"such as {root / inner[0].name / first.name}.",
        )
    what = (
        f"The folders in {root} all hold the same folders ({_list(inner)}), and look "
        f"like splits, not classes: {_list(folders)}."
    )
    _refuse(what, folders)


def _refuse(what: str, folders: Sequence[_Folder]) -> NoReturn:
    """Raise an error that says which of the folders to train and to test on."""
    test = _choose(folders, "test") or _choose(folders, "validation")
    training = _choose(folders, "train") or _choose_unnamed(folders, test)
    if len(folders) == 2 and not (test or training):
        training, test = folders
    training, test = training and _unwrap(training), test and _unwrap(test)
    hints = LabelHints(None, None)
    if training and not training.inner:
        hints = find_hints(training.path, training.images)
    advice = f"Pass {training.path if training else 'the right one'} to train on"
    if test and len(test.inner) > 1:
        advice += f", and {test.path} to test on"
    raise FolderLayoutError(
        what,
        f"{advice}.{hints.advice}",
        training and training.path,
        test.path if test and len(test.inner) > 1 else None,
        *hints,
    )


def _choose(folders: Sequence[_Folder], kind: str) -> _Folder | None:
    """Return the folder of a split, or None if none or several can be meant."""
    of_kind = [folder for folder in folders if folder.split.kind == kind]
    of_kind = [folder for folder in of_kind if folder.images] or of_kind
    of_kind = sorted(of_kind, key=lambda folder: len(folder.name))
    names = [folder.name.lower() for folder in of_kind]
    is_plain = all(name.startswith(names[0]) for name in names)
    return of_kind[0] if of_kind and is_plain else None


def _choose_unnamed(folders: Sequence[_Folder], test: _Folder | None) -> _Folder | None:
    """Return the only folder without the name of a split that has the same classes."""
    unnamed = [folder for folder in folders if folder.split.kind is None]
    alike = [folder for folder in unnamed if test and _share_classes(folder, test)]
    return alike[0] if len(alike) == 1 else None


def _unwrap(folder: _Folder) -> _Folder:
    """Return the folder that has the classes, or the images, if folders wrap it."""
    while len(folder.inner) == 1 and not folder.has_direct_images:
        (folder,) = _folders(folder.path, folder.inner)
    return folder


def _warn_if_doubtful(root: Path, folders: Sequence[_Folder]) -> None:
    """Warn of classes that are named like splits, or hold nearly the same folders."""
    doubtful, why = _named_like_splits(folders), "are named like splits"
    if not doubtful and len(folders) > 1 and all(each.is_nested for each in folders):
        shared = set.intersection(*(set(folder.inner) for folder in folders))
        if len(shared) >= _ENOUGH_SHARED:
            doubtful, why = list(folders), "hold the same folders, as splits do"
    if doubtful:
        warn(
            f"{root} has folders that {why}: {_list(doubtful)}. They are taken for "
            f"classes. If they are splits, pass one of them in place of {root}."
        )


def _named_like_splits(folders: Sequence[_Folder]) -> list[_Folder]:
    """Return the folders with names that may be those of splits."""
    named = [folder for folder in folders if folder.split.kind]
    if len({folder.split.kind for folder in named}) > 1:
        return named
    if len(named) > 1 and len({folder.split.rest for folder in named}) == 1:
        return named
    return [
        folder
        for folder in named
        if not folder.split.rest
        and folder.split.kind != "part"
        # A train is a vehicle, too.
        and (folder.is_nested or folder.name.lower() != "train")
    ]


def _list(folders: Sequence[_Folder]) -> str:
    names = [folder.name for folder in folders]
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more

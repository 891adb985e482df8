"""Loader of a folder of image files, with labels from folders or names of files."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from skvision._contract.public import public
from skvision.datasets._arguments import check_folder
from skvision.datasets._class_names import normalize_name, refuse_near_misses
from skvision.datasets._flat_folder import refuse_flat_folder
from skvision.datasets._folder_tree import (
    NOT_AN_IMAGE,
    NOT_IN_A_CLASS,
    FolderTree,
    read_tree,
)
from skvision.datasets._label_pattern import find_labels
from skvision.datasets._labels import make_bunch
from skvision.datasets._splits import refuse_named_splits, refuse_splits


@public("skvision.datasets")
def load_image_folder(
    folder: str | os.PathLike[str],
    *,
    label_pattern: str | None = None,
    return_X_y: bool = False,
) -> Any:
    r"""List the image files in a folder that has one subfolder per class.

    The files are not opened; use `ImageReader` as the first step of a pipeline to read
    them. A file is an image file if its suffix, in any case, is that of a format that
    `ImageReader` reads. Files in subfolders of a class folder belong to its class.

    Hidden files and folders, whose names start with a dot, and folders of the system
    such as ``__MACOSX``, ``@eaDir`` and ``lost+found`` are skipped. Symbolic links are
    followed, except those to folders that are listed anyway, and to folders that
    contain ``folder``.

    Names of classes are in Unicode's composed form (NFC), so that two ways to store the
    same accent are one class.

    Parameters
    ----------
    folder : str or path-like
        The folder that contains the class folders.
    label_pattern : str, default=None
        A regular expression for folders that have the labels in the names of the files:
        its group ``label``, or the first one, is the class. It is searched in each name
        without the folders, such as ``r"^(\w+)\."`` for ``cat.123.jpg``. All image
        files in ``folder`` and in its subfolders are listed then.
    return_X_y : bool, default=False
        If True, ``(paths, labels)`` is returned instead of a Bunch.

    Returns
    -------
    data : :class:`sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        paths : ndarray of shape (n,), object
            The image files as str, sorted by class and then by name. Each path begins
            with ``folder`` as it was passed. Each takes the memory of its own length
            in an array of objects, and not that of the longest.
        labels : ndarray of shape (n,), str
            The class of each file.
        names : list of str
            The names of the classes, sorted.
        frame : DataFrame of shape (n, 2)
            ``paths`` and ``labels`` as columns ``path`` and ``label``.
        ignored : list of (str, str)
            Each file that is not hidden but was not included, such as one with another
            suffix or outside the class folders, and each link that was not followed,
            with the reason.

    (paths, labels) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If ``folder`` does not exist, or is a file.
    ValueError
        If there are fewer than two classes, if a class has no images, if names of
        classes differ only in case or spaces, if ``label_pattern`` does not find a
        label in each name, or if the folders are splits such as ``train`` and ``test``
        and not classes. Folders are also taken for splits if all of them hold the same
        subfolders and no images outside these.

    Warns
    -----
    UserWarning
        If a folder is named like a split, and is taken for a class.

    See Also
    --------
    load_image_table : Take the labels from a table.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skvision.datasets import load_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ["ants/1.jpg", "bees/2.jpg", "bees/garden/3.PNG"]:
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     data = load_image_folder(folder)
    >>> data.names
    ['ants', 'bees']
    >>> data.frame.groupby("label").size().to_dict()
    {'ants': 1, 'bees': 2}
    """
    root = check_folder(folder)
    tree = read_tree(root)
    if label_pattern is None:
        data = _with_labels_of_folders(root, tree)
    else:
        data = _with_labels_of_names(root, tree, label_pattern)
    return (data.paths, data.labels) if return_X_y else data


def _with_labels_of_folders(root: Path, tree: FolderTree) -> Bunch:
    refuse_splits(root, tree.folders)
    _check_number_of_classes(root, tree)
    classes: dict[str, list[Path]] = {}
    for name, images in tree.folders.items():
        classes.setdefault(normalize_name(name), []).extend(images)
    refuse_near_misses(
        classes, f"The class folders in {root}", "Rename or merge the folders."
    )
    _check_images(root, classes, tree.ignored)
    stray = [(str(path), NOT_IN_A_CLASS) for path in tree.direct]
    paths = [path for name in sorted(classes) for path in classes[name]]
    labels = [name for name in sorted(classes) for _ in classes[name]]
    return make_bunch(paths, labels, ignored=stray + tree.ignored)


def _check_number_of_classes(root: Path, tree: FolderTree) -> None:
    layout = (
        f"Put the images of each class into a folder named after the class, such as "
        f"{root / 'ants' / '1.jpg'} and {root / 'bees' / '2.jpg'}."
    )
    if not any(tree.folders.values()) and (tree.direct or not tree.folders):
        what = (
            f"{root} has no folders inside, and {len(tree.direct)} images directly in "
            f"it; two or more class folders are needed."
        )
        refuse_flat_folder(root, tree.direct, what)
        raise ValueError(f"{what} {layout}")
    filled = [name for name, images in tree.folders.items() if images]
    if len(filled) == 1 or len(tree.folders) == 1:
        name = next(iter(filled or tree.folders))
        what = f"{root} has only one class folder, {name!r}; at least two are needed."
        is_flat = all(path.parent == root / name for path in tree.folders[name])
        if is_flat:
            refuse_flat_folder(root / name, tree.folders[name], what)
        if not is_flat or len(tree.folders) == 1:
            raise ValueError(
                f"{what} {layout} If the class folders lie in {root / name}, pass that."
            )


def _check_images(
    root: Path,
    classes: Mapping[str, Sequence[Path]],
    ignored: Sequence[tuple[str, str]],
) -> None:
    """Raise an error if a class has no images."""
    for name, images in classes.items():
        if images:
            continue
        prefix = normalize_name(f"{root / name}{os.sep}")
        others = {
            Path(path).suffix: reason
            for path, reason in ignored
            if normalize_name(path).startswith(prefix)
        }
        only = f", only files with the suffixes {sorted(others)}" if others else ""
        reasons = sorted(set(others.values()) - {NOT_AN_IMAGE})
        only += f" ({'; '.join(reasons)})" if reasons else ""
        raise ValueError(
            f"The class folder {root / name} has no images{only}; every class "
            f"needs at least one. Add images, or remove the folder."
        )


def _with_labels_of_names(root: Path, tree: FolderTree, pattern: str) -> Bunch:
    refuse_named_splits(root, tree.folders)
    paths = [*tree.direct, *(path for found in tree.folders.values() for path in found)]
    if not paths:
        raise ValueError(f"{root} has no images. Pass the folder that contains them.")
    labels = find_labels([path.name for path in paths], pattern)
    order = sorted(range(len(paths)), key=lambda i: labels[i])
    return make_bunch(
        [paths[i] for i in order], [labels[i] for i in order], ignored=tree.ignored
    )

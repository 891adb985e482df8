"""Loader of a folder of image files with one subfolder per class."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skvision._contract.public import public
from skvision.datasets._arguments import check_folder

_SUFFIXES = frozenset(
    ".bmp .gif .jfif .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()
)
_SPLIT_NAMES = {"train", "training", "test", "val", "valid", "validation"}


@public("skvision.datasets")
def load_image_folder(root: str | os.PathLike[str]) -> Bunch:
    """List the image files in a folder that has one subfolder per class.

    The files are not opened; use `ImageReader` as the first step of a pipeline to read
    them. A file is an image file if its suffix, in any case, is bmp, gif, jfif, jpeg,
    jpg, pbm, pgm, png, pnm, ppm, tif, tiff or webp. Files in subfolders of a class
    folder belong to its class. Hidden files and folders, whose names start with a dot,
    and ``__MACOSX`` are skipped. Class folders and image files may be symbolic links;
    links to folders inside a class folder are not followed.

    Parameters
    ----------
    root : str or path-like
        The folder that contains the class folders.

    Returns
    -------
    data : :class:`sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        paths : ndarray of shape (n,), str
            The image files, sorted by class and then by name. Each path begins with
            ``root`` as it was passed.
        labels : ndarray of shape (n,), str
            The class of each file, which is the name of its class folder.
        names : list of str
            The names of the classes, sorted.
        frame : DataFrame of shape (n, 2)
            ``paths`` and ``labels`` as columns ``path`` and ``label``.
        ignored : list of str
            Files that are not hidden but were not included: those with other suffixes,
            and those outside the class folders.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If ``root`` does not exist, or is a file.
    ValueError
        If there are fewer than two class folders, if one of them contains no image
        files, or if they are splits such as ``train`` and ``test`` and not classes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skvision.datasets import load_image_folder
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ["ants/1.jpg", "bees/2.jpg", "bees/garden/3.PNG"]:
    ...         path = Path(root, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     data = load_image_folder(root)
    >>> data.names
    ['ants', 'bees']
    >>> data.frame.groupby("label").size().to_dict()
    {'ants': 1, 'bees': 2}
    """
    folder = check_folder(root)
    visible = [entry for entry in sorted(folder.iterdir()) if _is_visible(entry.name)]
    files = {entry.name: sorted(_walk(entry)) for entry in visible if entry.is_dir()}
    pictures = {name: list(filter(_is_picture, files[name])) for name in files}
    stray = [entry for entry in visible if not entry.is_dir()]
    _check_classes(folder, files, pictures, stray)

    paths = np.array([str(path) for name in pictures for path in pictures[name]])
    labels = np.repeat(list(pictures), [len(found) for found in pictures.values()])
    others = [path for name in files for path in files[name] if not _is_picture(path)]
    return Bunch(
        paths=paths,
        labels=labels,
        names=list(pictures),
        frame=pd.DataFrame({"path": paths, "label": labels}),
        ignored=[str(path) for path in stray + others],
    )


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the visible files in a folder and in the folders inside it."""
    for inside, folders, files in os.walk(folder, onerror=_fail):
        folders[:] = filter(_is_visible, folders)
        yield from (Path(inside, name) for name in files if _is_visible(name))


def _fail(error: OSError) -> None:
    """Raise an error for a folder that cannot be read, which `os.walk` would skip."""
    raise error


def _check_classes(
    root: Path,
    files: dict[str, list[Path]],
    pictures: dict[str, list[Path]],
    stray: list[Path],
) -> None:
    layout = (
        f"Put the images of each class into a folder named after the class, such as "
        f"{root / 'ants' / '1.jpg'} and {root / 'bees' / '2.jpg'}."
    )
    if not pictures:
        n_pictures = sum(map(_is_picture, stray))
        raise ValueError(
            f"{root} has no folders inside, and {n_pictures} images directly in it; "
            f"two or more class folders are needed. {layout}"
        )
    if len(pictures) == 1:
        (name,) = pictures
        raise ValueError(
            f"{root} has only one class folder, {name!r}; at least two are needed. "
            f"{layout} If the class folders lie in {root / name}, pass that."
        )
    if _SPLIT_NAMES.issuperset(map(str.lower, pictures)):
        raise ValueError(
            f"The folders in {root} are splits, not classes: {', '.join(pictures)}. "
            f"Pass one of them, such as {root / next(iter(pictures))}."
        )
    for name, found in pictures.items():
        if not found:
            suffixes = sorted({path.suffix for path in files[name]})
            only = f", only files with the suffixes {suffixes}" if suffixes else ""
            raise ValueError(
                f"The class folder {root / name} has no images{only}; every class "
                f"needs at least one. Add images ({' '.join(sorted(_SUFFIXES))}), or "
                f"remove the folder."
            )

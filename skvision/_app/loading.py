"""Loading: how a command reads its files, and what it does about bad ones."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from skvision._contract.user_error import UserError
from skvision._readers.extents import sample_extents
from skvision._readers.image_reader import ImageReader
from skvision._readers.transparency import parse_background
from skvision._recipes.inputs import choose_resize, choose_side


@dataclass(frozen=True)
class Loading:
    """The arguments of a command about the reading of files, but for their size.

    Attributes
    ----------
    resize, background, value_range, max_pixels
        Parameters of `ImageReader`.
    skip_bad : bool
        Whether files that cannot be read are left out, or are an error.
    bad_list : str or None
        The file in which to list them.
    """

    resize: str = "auto"
    background: str | None = "auto"
    value_range: tuple[float, float] | None = None
    max_pixels: int = 100_000_000
    skip_bad: bool = False
    bad_list: str | None = None

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        """Return those of a command, which may not have all of them."""
        given = vars(options)
        return cls(**{f.name: given[f.name] for f in fields(cls) if f.name in given})

    def reader(self, size: Any, sources: Sequence[Any]) -> ImageReader:
        """Return the reader of a model, for images of a square size.

        A size or a way to a square that is "auto" depends on some of the images. The
        ``max_pixels`` is the default: how much memory there is does not belong to a
        model.

        Raises
        ------
        UserError
            If the background is no color, or the range of levels is empty.
        """
        if self.value_range is not None and self.value_range[0] >= self.value_range[1]:
            low, high = self.value_range
            raise UserError(f"--value-range needs LOW < HIGH, not {low:g} {high:g}")
        try:
            parse_background(self.background)
        except ValueError as error:
            raise UserError(
                f"--background {self.background!r} is not a color, such as white or "
                f"'#ffcc00', and neither auto nor none"
            ) from error
        resize = self.resize
        if "auto" in (size, resize):
            extents = sample_extents(sources)
            size = choose_side(extents, len(sources)) if size == "auto" else size
            resize = choose_resize(extents) if resize == "auto" else resize
        return ImageReader(
            (size, size),
            resize=resize,
            background=self.background,
            value_range=self.value_range and tuple(self.value_range),
        )


LOADING = Loading()


def in_options(text: str) -> str:
    """Return a message on a file with the options for the parameters that it names."""
    text = text.replace("value_range=(low, high)", "--value-range LOW HIGH")
    return text.replace("max_pixels=", "--max-pixels ")

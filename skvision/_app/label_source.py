"""Where the classes of images come from, as the arguments of a command say it."""

import argparse
from dataclasses import dataclass, fields

from skvision._app.quoted import quoted


@dataclass(frozen=True)
class LabelSource:
    """Where the classes come from: from folders, unless it is a table or a pattern.

    Attributes
    ----------
    labels : str or None
        A CSV file with a row for each image.
    file_column, label_column, split_column : str or None
        Its columns; None stands for file, for label, and for no such column.
    label_pattern : str or None
        A regular expression that finds the class in the name of a file.
    """

    labels: str | None = None
    file_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    label_pattern: str | None = None

    @classmethod
    def of(cls, options: argparse.Namespace) -> "LabelSource":
        """Return what the arguments of a command say."""
        return cls(
            **{field.name: getattr(options, field.name) for field in fields(cls)}
        )

    def __str__(self) -> str:
        """Return the arguments as one types them, each after a space."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return "".join(
            f" --{name.replace('_', '-')} {quoted(value)}"
            for name, value in given.items()
            if value
        )

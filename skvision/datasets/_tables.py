"""Tables of image files, from a CSV file or a DataFrame."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO

_SEPARATORS = ",;\t"
_LONGEST_LINE = 2**20  # of a file that need not be a table
_MOST_NAMED = 5


class Table(NamedTuple):
    """Columns of a table.

    Attributes
    ----------
    name : str
        How messages name the table.
    rows : list of n str
        How messages name each row.
    columns : dict of str to list of n str
        The values of each column, none of which is empty.
    """

    name: str
    rows: list[str]
    columns: dict[str, list[str]]


class MissingColumns(ValueError):
    """Error about a table that lacks columns."""


def read_table(table: Any, columns: Sequence[str]) -> Table:
    """Read columns of a table.

    Parameters
    ----------
    table : str, path-like or DataFrame
        The table, or a CSV file in UTF-8. Its values are separated by commas,
        semicolons or tabs, and its first line names the columns.
    columns : sequence of str
        The names of the columns.

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError
        If ``table`` is something else.
    MissingColumns
        If it lacks a column.
    ValueError
        If it is no table, has a column twice, or lacks values.
    """
    if isinstance(table, str | os.PathLike):
        found = _read_file(Path(table), columns)
    elif hasattr(table, "columns") and hasattr(table, "isna"):
        found = _read_frame(table, columns)
    else:
        raise TypeError(
            f"A CSV file or a DataFrame is needed; got a {type(table).__name__}."
        )
    _check_values(found)
    return found


def _read_file(file: Path, columns: Sequence[str]) -> Table:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        try:
            return _parse(repr(str(file)), _lines(stream), columns)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"{str(file)!r} is not a CSV file in UTF-8: {error}"
            ) from None


def _lines(stream: TextIO) -> Iterator[str]:
    return iter(lambda: stream.readline(_LONGEST_LINE), "")


def _parse(name: str, lines: Iterator[str], columns: Sequence[str]) -> Table:
    first = next(lines, "")
    separator = max(_SEPARATORS, key=lambda mark: _suitability(first, mark, columns))
    reader = csv.reader(chain([first], lines), delimiter=separator, strict=True)
    header = [column.strip() for column in next(reader, [])]
    _check_columns(name, header, columns)
    positions = [header.index(column) for column in columns]
    rows, values = [], []
    for fields in reader:
        if len(fields) > len(header):
            raise ValueError(
                f"{name} has {len(fields)} values in line {reader.line_num}, and names "
                f"{len(header)} columns in the first. Put values that contain the "
                f"separator {separator!r} in quotes."
            )
        if fields:
            padded = fields + [""] * (len(header) - len(fields))
            rows.append(f"line {reader.line_num}")
            values.append([padded[position].strip() for position in positions])
    return Table(name, rows, _transposed(columns, values))


def _suitability(
    first: str, separator: str, columns: Sequence[str]
) -> tuple[bool, int]:
    """Return how well a separator suits the first line of a file."""
    header = next(csv.reader([first], delimiter=separator), [])
    return {*columns} <= {column.strip() for column in header}, len(header)


def _transposed(
    columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> dict[str, list[str]]:
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    return {
        column: list(values) for column, values in zip(columns, by_column, strict=True)
    }


def _read_frame(frame: Any, columns: Sequence[str]) -> Table:
    _check_columns("The table", list(frame.columns), columns)
    values = {}
    for column in columns:
        pairs = zip(frame[column], frame[column].isna(), strict=True)
        values[column] = ["" if missing else str(value) for value, missing in pairs]
    return Table("The table", [f"row {i}" for i in range(len(frame))], values)


def _check_columns(name: str, header: Sequence[Any], columns: Sequence[str]) -> None:
    needed = " and ".join(map(repr, columns))
    shown = ", ".join(repr(column)[:50] for column in header[:_MOST_NAMED])
    shown += ", …" if len(header) > _MOST_NAMED else ""
    if any(column not in header for column in columns):
        raise MissingColumns(
            f"{name} needs the columns {needed}; it has [{shown}]. Rename the columns, "
            f"or say which ones to take."
        )
    if any(header.count(column) > 1 for column in columns):
        raise ValueError(
            f"{name} needs the columns {needed} once each; it has [{shown}]."
        )


def _check_values(table: Table) -> None:
    if not table.rows:
        raise ValueError(f"{table.name} has no rows.")
    values = zip(table.rows, *table.columns.values(), strict=True)
    missing = [row for row, *fields in values if not all(fields)]
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more"
        raise ValueError(
            f"{table.name} has no {' or no '.join(table.columns)} in "
            f"{', '.join(missing[:_MOST_NAMED])}{more * (len(missing) > _MOST_NAMED)}."
        )

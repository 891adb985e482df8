"""Errors carry data, and no message is taken apart."""

import ast
import pickle
from pathlib import Path

import pytest

import skvision
from skvision import ImageReader

PACKAGE = Path(skvision.__file__).parent
FILES = [
    *PACKAGE.glob("_app/**/*.py"),
    *PACKAGE.glob("_readers/*.py"),
    PACKAGE / "cli.py",
]


def test_the_reader_lists_files_and_reasons(tmp_path):
    missing, empty = tmp_path / "missing.png", tmp_path / "a: b, c.png"
    empty.touch()
    with pytest.raises(ValueError, match="3 of 3 files cannot be read") as caught:
        ImageReader().transform([missing, str(empty), b"text"])
    pairs = [
        (str(missing), "No such file or directory"),
        (str(empty), "it is empty"),
    ]
    assert caught.value.files[:2] == pairs
    name, reason = caught.value.files[2]
    assert name == "4 bytes" and reason.startswith("it is none of JPEG")


def test_the_list_is_whole_where_the_message_is_not():
    with pytest.raises(ValueError, match="- and 10 more") as caught:
        ImageReader().transform([b""] * 60)
    assert caught.value.files == [("0 bytes", "it is empty")] * 60


def test_the_error_can_be_pickled():
    with pytest.raises(ValueError) as caught:
        ImageReader().transform([b""])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert str(copy) == str(caught.value)
    assert copy.files == caught.value.files


def messages_taken_apart(code):
    """Return the lines that do more with the text of an error than to pass it on."""
    tree = ast.parse(code)
    errors = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)
    }

    def is_error(node):
        return isinstance(node, ast.Name) and node.id in errors

    def is_text(node):
        return (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("str", "repr", "format")
            and any(map(is_error, node.args))
        )

    def passes_on(node):
        raises = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        raises = raises and node.func.id.endswith(("Error", "BadFile"))
        return raises or isinstance(node, ast.BoolOp | ast.FormattedValue)

    return [
        node.lineno
        for node in ast.walk(tree)
        for child in ast.iter_child_nodes(node)
        if (is_text(child) and not passes_on(node))
        or (is_error(child) and isinstance(node, ast.Attribute) and node.attr == "args")
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_message_is_taken_apart(path):
    assert messages_taken_apart(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "use",
    [
        "lines = str(error).splitlines()",
        "text = str(error)",
        "n = re.match('[0-9]+', str(error))",
        "if 'interrupted' in str(error): pass",
        "if str(error).startswith('interrupted'): pass",
        "first = error.args[0]",
        "first = str(error)[0]",
    ],
)
def test_messages_taken_apart_are_found(use):
    assert messages_taken_apart(
        f"try:\n    f()\nexcept ValueError as error:\n    {use}"
    )


@pytest.mark.parametrize(
    "use",
    [
        "raise UserError(str(error)) from error",
        "raise UserError(f'{name}: {error}') from None",
        "bad += error.files",
        "reason = error.strerror or str(error)",
    ],
)
def test_messages_passed_on_are_not(use):
    assert not messages_taken_apart(
        f"try:\n    f()\nexcept ValueError as error:\n    {use}"
    )

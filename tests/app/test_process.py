"""The command as a process: its output, its errors and interrupts."""

import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import skvision
from skvision import cli
from skvision._app import start

COMMAND = Path(sysconfig.get_path("scripts")) / "skvision"


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help_needs_nothing_slow(arguments):
    code = (
        "import sys; from skvision.cli import main\n"
        f"try: main({arguments})\n"
        "except SystemExit: print(*sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "FOLDER" in result.stdout or "train" in result.stdout
    loaded = set(result.stdout.split())
    assert loaded.isdisjoint({"numpy", "sklearn", "numba", "rich", "skops"})


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"skvision {skvision.__version__}\n"


class ReadUpToALine(io.TextIOWrapper):
    """A pipe whose reader goes away after the first line."""

    def __init__(self):
        self.reader, writer = os.pipe()
        self.text = b""
        super().__init__(open(writer, "wb", buffering=0), write_through=True)

    def write(self, text):
        written = super().write(text)
        if "\n" in text and not self.text:
            self.text = os.read(self.reader, 1 << 16)
            os.close(self.reader)
        return written


def test_a_reader_that_goes_away_is_no_error(model, shared_folder, monkeypatch, capsys):
    files = [str(shared_folder / "down" / "0.png")] * 300  # more than are read at once
    with ReadUpToALine() as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert cli.main(["predict", "--json", str(model), *files]) == 1
        assert json.loads(pipe.text.splitlines()[0])["label"] == "down"
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("model")  # compiles
def test_a_reader_that_has_gone_before_the_first_line(shared_folder):
    reader, writer = os.pipe()
    os.close(reader)
    command = [COMMAND, "train", shared_folder]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    result = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, env=environment, check=False
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (1, b"")


NO_SPACE = "skvision: error: the standard output: No space left on device\n"
needs_full_disk = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="no /dev/full here"
)


@needs_full_disk
@pytest.mark.parametrize(("argument", "unbuffered"), [("--help", ""), ("--version", 1)])
def test_a_full_disk_under_the_output_of_a_process(argument, unbuffered):
    with open("/dev/full", "w") as disk:
        result = subprocess.run(
            [sys.executable, "-m", "skvision", argument],
            stdout=disk,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": str(unbuffered)},
            check=False,
        )
    assert (result.returncode, result.stderr) == (2, NO_SPACE)


@needs_full_disk
@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "--json", "MODEL", "FILE"],
        ["report", "MODEL", "FOLDER", "--out", "PAGE"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_full_disk_under_the_output(
    model, shared_folder, tmp_path, monkeypatch, capsys, arguments
):
    places = {
        "MODEL": model,
        "FOLDER": shared_folder,
        "FILE": shared_folder / "down" / "0.png",
        "PAGE": tmp_path / "page.html",
    }
    arguments = [str(places.get(argument, argument)) for argument in arguments]
    disk = open("/dev/full", "wb", buffering=0)
    with io.TextIOWrapper(disk, write_through=True) as unbuffered:
        monkeypatch.setattr(sys, "stdout", unbuffered)
        assert cli.main(arguments) == 2
    assert capsys.readouterr().err == NO_SPACE


@needs_full_disk
def test_the_first_mistake_is_told_where_the_output_fails_too(monkeypatch, capsys):
    with open("/dev/full", "w") as disk:
        monkeypatch.setattr(sys, "stdout", disk)
        assert cli.main(["compare", "no folder"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "'no folder' does not exist" in err


class Full(io.StringIO):
    """An output that cannot be written from some text on."""

    def __init__(self, text, error):
        super().__init__()
        self.text, self.error = text, error

    def write(self, text):
        if self.text in text:
            raise OSError(self.error, os.strerror(self.error))
        return super().write(text)

    def fileno(self):
        return os.open(os.devnull, os.O_WRONLY)  # to be redirected


@pytest.mark.parametrize("text", ["images of 2 classes", "Accuracy", "Took", "Saved"])
@pytest.mark.parametrize(("error", "status"), [(errno.EIO, 2), (errno.EPIPE, 1)])
def test_every_line_of_train_may_fail(
    shared_folder, tmp_path, monkeypatch, capsys, text, error, status
):
    monkeypatch.setattr(sys, "stdout", Full(text, error))
    command = ["train", str(shared_folder), "--size", "16", "--features", "hog"]
    assert cli.main([*command, "--model", str(tmp_path / "a.model")]) == status
    err = capsys.readouterr().err
    told = f"skvision: error: the standard output: {os.strerror(error)}\n"
    assert err == (told if status == 2 else "")


@pytest.mark.parametrize("module", ["numpy", "sklearn", "scipy", "joblib"])
@pytest.mark.parametrize("start", ["from skvision.cli import main", "-m"])
def test_an_interrupt_while_modules_are_loading(tmp_path, module, start):
    """sitecustomize is what Python imports before all else."""
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    script = ["-c", f"import sys; {start}; sys.exit(main())"]
    result = subprocess.run(
        [sys.executable, *(["-m", "skvision"] if start == "-m" else script)]
        + ["predict", "no model", "no file"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert (result.returncode, result.stderr) == (130, "skvision: interrupted\n")


def test_no_standard_output(monkeypatch):
    monkeypatch.setattr(start, "run", lambda _: 0)
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["demo"]) == 0


def test_names_that_no_encoding_has(model, shared_folder, tmp_path, monkeypatch):
    file = shutil.copy(shared_folder / "down" / "0.png", tmp_path / "ümlaut→.png")
    with open(tmp_path / "out", "w", encoding="ascii") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert cli.main(["predict", str(model), str(file)]) == 0
    assert rb"\xfcmlaut\u2192.png" in (tmp_path / "out").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("model")  # compiles
def test_demo():
    started = time.perf_counter()
    result = subprocess.run(
        [COMMAND, "demo"], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    assert float(re.search(r"Accuracy ([\d.]+) % ", result.stdout)[1]) >= 95
    assert "skvision train FOLDER" in result.stdout
    print(f"skvision demo: {time.perf_counter() - started:.1f} s")

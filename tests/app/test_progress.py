"""Progress on a terminal, and where there is none."""

import sys

import pytest

from skvision._app import progress as MODULE
from skvision._app.progress import show_progress


@pytest.fixture
def clock(monkeypatch):
    """Return a list whose only element is the time."""
    now = [0.0]
    monkeypatch.setattr(MODULE.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(MODULE, "_SECONDS", 10.0)
    return now


def test_off_a_terminal_a_line_every_ten_seconds(clock, capsys):
    with show_progress() as progress:
        progress.stage("Reading", 4)
        for _ in range(4):
            clock[0] += 6
            progress.advance()
        progress.stage("Learning", 200)
        clock[0] += 15
        progress.advance(50)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "skvision: Reading: 50 %, about 12.0 s left",
        "skvision: Reading: 100 %",
        "skvision: Learning: 25 %, about 45.0 s left",
    ]


def test_on_a_terminal_a_bar(clock, capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with show_progress() as progress:
        progress.stage("Learning", 2)
        clock[0] += 20
        progress.advance(now="hog softmax")
        progress.print("a line")
    out, err = capsys.readouterr()
    assert out == "a line\n"
    assert "Learning: hog softmax" in err and "50%" in err
    assert "about" not in err

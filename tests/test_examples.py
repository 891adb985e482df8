"""The examples run, on the data that they use by default, and show what they draw."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


@pytest.fixture
def shown(monkeypatch):
    """Have figures drawn and closed, not shown; return the list that counts them."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("SKVISION_DATA", raising=False)
    plt.close("all")
    plt.switch_backend("Agg")
    figures = []

    def draw_and_close():
        for number in plt.get_fignums():
            figure = plt.figure(number)
            figure.canvas.draw()  # warns of overfull layouts and of missing glyphs
            figures.append(figure)
        plt.close("all")

    monkeypatch.setattr(plt, "show", draw_and_close)
    yield figures
    plt.close("all")


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path, shown, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip(), "it printed nothing"
    assert shown, "it showed no figure"
    assert not plt.get_fignums(), "it left a figure that it did not show"

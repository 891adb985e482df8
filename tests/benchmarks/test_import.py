"""Import time, in a fresh interpreter each."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("skvision", "from skvision import *"),
        ("scikit-learn", "import sklearn.pipeline"),
    ],
)
def test_import(benchmark, name, statement):
    benchmark.group = "import in a fresh interpreter"
    benchmark.extra_info["name"] = name

    def load():
        return subprocess.run([sys.executable, "-c", statement], check=True)

    assert benchmark.pedantic(load, rounds=5, warmup_rounds=1).returncode == 0

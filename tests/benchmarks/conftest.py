"""Benchmarks are collected only with --benchmark-only; they print ratios at the end."""

import os
from pathlib import Path

import numpy as np
import pytest

from skvision.datasets import load_cifar10


def pytest_ignore_collect(config):
    return True if not config.getoption("benchmark_only", default=False) else None


@pytest.fixture(scope="session")
def cifar():
    beside = Path(__file__).parents[3] / "shared" / "data"
    return load_cifar10(os.environ.get("SKVISION_DATA", beside))


@pytest.fixture(scope="session")
def pictures(cifar):
    """Return uint8 RGB images by side: 2,000 of 32 and 8 of 512, made of them."""
    small = cifar.images[:2000]
    grid = np.concatenate([small, small[:48]]).reshape(8, 16, 16, 32, 32, 3)
    large = grid.transpose(0, 1, 3, 2, 4, 5).reshape(8, 512, 512, 3)
    return {32: small, 512: np.ascontiguousarray(large)}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    """Print, for each group, how many times as long each peer takes as ours."""
    session = getattr(config, "_benchmarksession", None)
    if session is None or not session.benchmarks:
        return
    groups = {}
    for benchmark in session.benchmarks:
        # the least of the rounds: the machine is shared
        least = benchmark.stats.min / benchmark.extra_info.get("n", 1)
        name = benchmark.extra_info.get("name", benchmark.name)
        groups.setdefault(benchmark.group, {})[name] = least
    terminalreporter.section("ratios to skvision, by the fastest round")
    for group, times in groups.items():
        ours = times.get("skvision")
        terminalreporter.write_line(group)
        for name, seconds in times.items():
            ratio = "" if ours is None else f"{seconds / ours:8.2f} x"
            terminalreporter.write_line(f"  {name:24}{1e6 * seconds:14.1f} us{ratio}")

"""Blocks of rows on threads."""

import threading

import numpy as np
import pytest
from joblib import parallel_config

from skvision._training.parallel import for_each_block, one_thread_for_blas


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
@pytest.mark.parametrize("n_rows", [0, 1, 7, 8, 20])
def test_every_row_once_in_the_same_blocks(n_rows, n_jobs):
    times, sizes = np.zeros(n_rows, int), np.zeros(n_rows, int)

    def work(rows):
        times[rows] += 1
        sizes[rows] = rows.stop - rows.start

    for_each_block(work, n_rows, 7, n_jobs)
    assert (times == 1).all()
    assert sizes.tolist() == [min(7, n_rows - i // 7 * 7) for i in range(n_rows)]


def test_a_context_of_joblib_sets_the_number_of_threads():
    both = threading.Barrier(2, timeout=20)
    with parallel_config("threading", n_jobs=2):
        for_each_block(lambda rows: both.wait(), 2, 1, None)
    assert not both.broken


def test_an_error_ends_the_work():
    done, never = [], threading.Event()

    def work(rows):
        if rows.start == 0:
            raise RuntimeError("the first block")
        never.wait(0.1)
        done.append(rows.start)

    with pytest.raises(RuntimeError, match="the first block"):
        for_each_block(work, 10_000, 1, 2)
    assert len(done) < 100


def test_matrix_products_take_one_thread_until_the_last_search_ends():
    """Two that overlap in time must not leave the limit of one another behind."""

    with one_thread_for_blas:
        controller = one_thread_for_blas._libraries

    def n_threads():
        return {library["num_threads"] for library in controller.info()}

    before = n_threads()
    assert before
    one_thread_for_blas.__enter__()
    one_thread_for_blas.__enter__()
    assert n_threads() == {1}
    one_thread_for_blas.__exit__()
    assert n_threads() == {1}
    one_thread_for_blas.__exit__()
    assert n_threads() == before

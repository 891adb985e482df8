"""Rows in blocks on threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from joblib import effective_n_jobs


def count_threads(n_jobs: int | None) -> int:
    """Return how many threads ``n_jobs`` means to joblib, its contexts included."""
    return int(effective_n_jobs(n_jobs))


def for_each_block(
    function: Callable[[slice], None], n_rows: int, block_size: int, n_jobs: int | None
) -> None:
    """Call ``function(rows)`` on each block of rows, on ``n_jobs`` threads.

    joblib's own loop is not used because it looks for results every 10 ms only. The
    blocks depend on ``n_rows`` and ``block_size`` alone, so that what is computed does
    not depend on ``n_jobs``. The function writes its result into an array that it
    shares with its caller; it gains from threads where it releases the GIL.
    """
    blocks = [
        slice(start, min(start + block_size, n_rows))
        for start in range(0, n_rows, block_size)
    ]
    n_threads = min(count_threads(n_jobs), len(blocks))
    if n_threads < 2:
        for block in blocks:
            function(block)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        futures = [pool.submit(function, block) for block in blocks]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:  # that wait still, after an error or an interrupt
                future.cancel()

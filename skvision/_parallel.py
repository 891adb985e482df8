"""Rows in blocks on threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController


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


class _OneThreadForBlas:
    """A context in which matrix products take one thread: the other threads are ours.

    What BLAS libraries are told holds for the whole process. Calls that overlap in
    time on several threads share one limit, which the last of them to end takes back.
    It gives the number of threads that matrix products took before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_users = 0
        self._n_threads = 1
        self._libraries: ThreadpoolController | None = None
        self._limits: Any = None

    def __enter__(self) -> int:
        with self._lock:
            if self._libraries is None:  # takes milliseconds, to look through them all
                self._libraries = ThreadpoolController().select(user_api="blas")
            if self._n_users == 0:
                libraries = self._libraries.lib_controllers
                self._n_threads = max((one.num_threads for one in libraries), default=1)
                self._limits = self._libraries.limit(limits=1)
            self._n_users += 1
            return self._n_threads

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                self._limits.restore_original_limits()


one_thread_for_blas = _OneThreadForBlas()

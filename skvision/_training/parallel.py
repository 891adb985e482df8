"""Multithreading over blocks of rows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController


def count_threads(n_jobs: int | None) -> int:
    """Return the number of threads for ``n_jobs``, as joblib interprets it."""
    return int(effective_n_jobs(n_jobs))


def for_each_block(
    function: Callable[[slice], None], n_rows: int, block_size: int, n_jobs: int | None
) -> None:
    """Call ``function(rows)`` for each block of rows, with ``n_jobs`` threads.

    joblib's own loop is not used because it polls for results only every 10 ms. The
    blocks depend only on ``n_rows`` and ``block_size``, so that results do not depend
    on ``n_jobs``. The function writes its results to an array of the caller. Threads
    speed it up if it releases the GIL.
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
        try:
            for future in [pool.submit(function, block) for block in blocks]:
                future.result()
        finally:  # after an error or interrupt, do not start waiting blocks
            pool.shutdown(wait=False, cancel_futures=True)


class _OneThreadForBlas:
    """A context that limits BLAS to one thread, for use with multithreading.

    The limit applies to the whole process. If several threads enter the context at the
    same time, the last one to leave it restores the previous limits. Entering it
    returns the previous number of BLAS threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_users = 0
        self._libraries: ThreadpoolController | None = None
        self._before: list[int] = []  # previous number of threads of each library

    def __enter__(self) -> int:
        entered = False
        try:
            with self._lock:
                if self._libraries is None:  # the search takes milliseconds
                    self._libraries = ThreadpoolController().select(user_api="blas")
                if self._n_users == 0:
                    libraries = self._libraries.lib_controllers
                    self._before = [one.num_threads for one in libraries]
                    for one in libraries:
                        one.set_num_threads(1)
                self._n_users, entered = self._n_users + 1, True
            return max(self._before, default=1)
        except BaseException:  # after an interrupt, __exit__ is not called
            self._leave(entered)
            raise

    def __exit__(self, *error: object) -> None:
        left = False
        try:
            with self._lock:
                self._n_users, left = self._n_users - 1, True
                self._restore()
        except BaseException:  # an interrupt before the limits were restored
            self._leave(not left)
            raise

    def _leave(self, is_user: bool) -> None:
        with self._lock:
            self._n_users -= is_user
            self._restore()

    def _restore(self) -> None:
        """Restore the previous limits, unless the context is still in use."""
        if self._n_users == 0 and self._libraries is not None:
            libraries = self._libraries.lib_controllers
            for one, n_threads in zip(libraries, self._before, strict=False):
                one.set_num_threads(n_threads)


one_thread_for_blas = _OneThreadForBlas()

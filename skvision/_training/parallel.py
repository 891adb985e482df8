"""Rows in blocks on threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

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
        try:
            for future in [pool.submit(function, block) for block in blocks]:
                future.result()
        finally:  # after an error or an interrupt, blocks that wait are not begun
            pool.shutdown(wait=False, cancel_futures=True)


class _OneThreadForBlas:
    """A context in which matrix products take one thread: the other threads are ours.

    What BLAS libraries are told holds for the whole process. Calls that overlap in
    time on several threads share one limit, which the last of them to end takes back.
    It gives the number of threads that matrix products took before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_users = 0
        self._libraries: ThreadpoolController | None = None
        self._before: list[int] = []  # threads of each library, while they are limited

    def __enter__(self) -> int:
        entered = False
        try:
            with self._lock:
                if self._libraries is None:  # takes milliseconds, to look through all
                    self._libraries = ThreadpoolController().select(user_api="blas")
                if self._n_users == 0:
                    libraries = self._libraries.lib_controllers
                    self._before = [one.num_threads for one in libraries]
                    for one in libraries:
                        one.set_num_threads(1)
                self._n_users, entered = self._n_users + 1, True
            return max(self._before, default=1)
        except BaseException:  # an interrupt: there will be no __exit__
            self._leave(entered)
            raise

    def __exit__(self, *error: object) -> None:
        left = False
        try:
            with self._lock:
                self._n_users, left = self._n_users - 1, True
                self._take_back()
        except BaseException:  # an interrupt, before all was taken back
            self._leave(not left)
            raise

    def _leave(self, is_user: bool) -> None:
        with self._lock:
            self._n_users -= is_user
            self._take_back()

    def _take_back(self) -> None:
        """Undo the limits, unless there are users left."""
        if self._n_users == 0 and self._libraries is not None:
            libraries = self._libraries.lib_controllers
            for one, n_threads in zip(libraries, self._before, strict=False):
                one.set_num_threads(n_threads)


one_thread_for_blas = _OneThreadForBlas()

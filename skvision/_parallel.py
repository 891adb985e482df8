"""Rows in blocks on threads."""

from collections.abc import Callable

from joblib import Parallel, delayed


def for_each_block(
    function: Callable[[slice], None], n_rows: int, block_size: int, n_jobs: int | None
) -> None:
    """Call ``function(rows)`` on each block of rows, on ``n_jobs`` threads.

    The blocks depend on ``n_rows`` and ``block_size`` alone, so that what is computed
    does not depend on ``n_jobs``. The function writes its result into an array that it
    shares with its caller; it gains from threads where it releases the GIL.
    """
    blocks = [
        slice(start, min(start + block_size, n_rows))
        for start in range(0, n_rows, block_size)
    ]
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(function)(block) for block in blocks
    )

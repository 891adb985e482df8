"""A file is replaced as a whole, or it stays as it was."""

import errno
import os
import stat
import sys
from pathlib import Path
from secrets import token_hex

from skvision._contract.user_error import UserError


def replace_file(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file so that no failure loses the former one.

    The content is written to a new file in the same folder, which then takes the place
    of the former one in a single step. On a full disk, an error or an interrupt, the
    former file stays and the unfinished one is removed. The new file keeps the
    permissions of the former one and, where the system allows it, its owner. A symbolic
    link stays a link: its target is replaced. Devices, pipes and the standard streams
    cannot be replaced; they are written to directly.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    content : bytes or memoryview
        All of what it is to hold.

    Raises
    ------
    OSError
        If the file cannot be written; ``filename`` is ``path``, whichever file failed.
    """
    try:
        former = os.stat(path)
    except FileNotFoundError:
        former = None
    except OSError as error:
        raise _named(error, path) from error
    try:
        stream = None if former is None else _standard_stream(former)
        if stream is not None:
            with open(os.dup(stream), "wb") as file:
                file.write(content)
        elif former is not None and not stat.S_ISREG(former.st_mode):
            with open(path, "wb") as file:
                file.write(content)
        else:
            _replace(Path(os.path.realpath(path)), content, former)
    except OSError as error:
        raise _named(error, path) from error


def check_place(file: str) -> None:
    """Refuse, before all work, a place where `replace_file` cannot write."""
    if not Path(file).parent.is_dir():
        raise UserError(f"{file!r} cannot be saved: there is no such folder")
    if Path(file).is_dir():
        raise UserError(f"{file!r} cannot be saved: it is a folder")
    places = [Path(file)] if Path(file).exists() else []
    if not places or Path(file).is_file():  # a new file takes its place
        places.append(Path(file).resolve().parent)
    if not all(os.access(place, os.W_OK) for place in places):
        raise UserError(f"{file!r} cannot be saved: writing there is not permitted")


def _replace(
    path: Path, content: bytes | memoryview, former: os.stat_result | None
) -> None:
    if former is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    unfinished = path.with_name(f".skvision-{token_hex(8)}")
    # The umask decides about a new file; the copy of a private one is private at once.
    mode = 0o666 if former is None else 0o600
    try:
        with open(
            unfinished, "xb", opener=lambda name, flags: os.open(name, flags, mode)
        ) as file:
            if former is not None:
                _keep_permissions(unfinished, former)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.replace(unfinished, path)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            path.write_bytes(content)  # a file that is mounted cannot be replaced
    finally:
        unfinished.unlink(missing_ok=True)


def _keep_permissions(path: Path, former: os.stat_result) -> None:
    if hasattr(os, "chown"):
        try:
            os.chown(path, former.st_uid, former.st_gid)
        except OSError as error:
            # Only root gives files away, to users it knows; the new one is its own.
            if error.errno not in (errno.EPERM, errno.EINVAL):
                raise
    os.chmod(path, stat.S_IMODE(former.st_mode) & 0o777)


def _standard_stream(file: os.stat_result) -> int | None:
    """Return the descriptor, 1 or 2, that is open on this file."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            is_same = os.path.samestat(os.fstat(descriptor), file)
        except OSError:  # it is closed
            continue
        if is_same:
            if stream is not None:
                stream.flush()  # what was printed before comes before
            return descriptor
    return None


def _named(error: OSError, path: str | os.PathLike[str]) -> OSError:
    """Return the error with the name that the user knows."""
    return OSError(error.errno, error.strerror or str(error), os.fspath(path))

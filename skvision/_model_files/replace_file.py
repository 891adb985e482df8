"""Atomic replacement of files."""

import errno
import os
import stat
import sys
from pathlib import Path
from secrets import token_hex

from skvision._contract.user_error import UserError


def replace_file(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file so that the existing file is not lost on failure.

    The content is written to a new file in the same folder, which then replaces the
    existing file in a single step. If the disk is full, or after another error or an
    interrupt, the existing file is unchanged and the incomplete file is removed. The
    new file keeps the permissions of the existing file and, if the system allows it,
    its owner. If the path is a symbolic link, the target of the link is replaced.
    Devices, pipes and the standard streams cannot be replaced and are written to
    directly.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    content : bytes or memoryview
        The new content of the file.

    Raises
    ------
    OSError
        If the file cannot be written. Its ``filename`` is ``path`` in all cases.
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
    """Raise an error early if `replace_file` cannot write a file."""
    if not Path(file).parent.is_dir():
        raise UserError(f"{file!r} cannot be saved: its folder does not exist")
    if Path(file).is_dir():
        raise UserError(f"{file!r} cannot be saved: it is a folder")
    places = [Path(file)] if Path(file).exists() else []
    if not places or Path(file).is_file():  # a new file is created in the folder
        places.append(Path(file).resolve().parent)
    if not all(os.access(place, os.W_OK) for place in places):
        raise UserError(f"{file!r} cannot be saved: permission denied")


def _replace(
    path: Path, content: bytes | memoryview, former: os.stat_result | None
) -> None:
    if former is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    unfinished = path.with_name(f".skvision-{token_hex(8)}")
    # The umask applies to a new file; a copy of a private file must be private at once.
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
            path.write_bytes(content)  # a mount point cannot be replaced
    finally:
        unfinished.unlink(missing_ok=True)


def _keep_permissions(path: Path, former: os.stat_result) -> None:
    if hasattr(os, "chown"):
        try:
            os.chown(path, former.st_uid, former.st_gid)
        except OSError as error:
            # Only root may change the owner; otherwise the new file has the current
            # owner.
            if error.errno not in (errno.EPERM, errno.EINVAL):
                raise
    os.chmod(path, stat.S_IMODE(former.st_mode) & 0o777)


def _standard_stream(file: os.stat_result) -> int | None:
    """Return the descriptor, 1 or 2, of the standard stream that is this file."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            is_same = os.path.samestat(os.fstat(descriptor), file)
        except OSError:  # the stream is closed
            continue
        if is_same:
            if stream is not None:
                stream.flush()  # keep the order of the output
            return descriptor
    return None


def _named(error: OSError, path: str | os.PathLike[str]) -> OSError:
    """Return the error with the path that the user passed."""
    return OSError(error.errno, error.strerror or str(error), os.fspath(path))

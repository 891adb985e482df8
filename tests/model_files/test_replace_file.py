"""A file is replaced whole or stays as it was, whatever goes wrong."""

import errno
import os
import stat
import subprocess
import sys

import numpy as np
import pytest

from skvision._model_files.replace_file import replace_file

CONTENT = bytes(range(256)) * 4096  # a MiB, more than any buffer


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"the former one")
    return path


def only(path):
    """Assert that nothing lies beside a file; return what it holds."""
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return path.read_bytes()


@pytest.mark.parametrize("content", [CONTENT, memoryview(CONTENT), b""])
def test_it_holds_the_content(path, content):
    replace_file(path, content)
    assert only(path) == content
    path.unlink()
    replace_file(str(path), content)
    assert only(path) == content


def disk_full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_full_disk_loses_nothing(path, monkeypatch, step):
    monkeypatch.setattr(os, step, disk_full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        replace_file(path, CONTENT)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert only(path) == b"the former one"


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod", "open"])
def test_an_interrupt_loses_nothing(path, monkeypatch, step):
    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, CONTENT)
    assert only(path) == b"the former one"


LIMITED = """
import resource, sys
from skvision.cli import main
from skvision._model_files.replace_file import replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_file(sys.argv[1], bytes(1001))
except OSError as error:
    sys.exit(f"{error.filename}: {error.strerror}")
"""


@pytest.mark.skipif(os.name == "nt", reason="no limits here")
def test_a_real_limit_midway(path):
    """The system ends the write after 1000 bytes, as a full disk does."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == f"{path}: File too large\n"
    assert only(path) == b"the former one"


@pytest.mark.skipif(os.name == "nt", reason="no modes here")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o777])
def test_permissions_are_kept(path, mode):
    path.chmod(mode)
    replace_file(path, CONTENT)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name == "nt", reason="no modes here")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_usual_permissions(path, mask):
    path.unlink()
    before = os.umask(mask)
    try:
        replace_file(path, CONTENT)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_a_private_file_is_private_while_it_is_written(path, monkeypatch):
    path.chmod(0o600)
    modes = []

    def spy(descriptor):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fsync", spy)
    replace_file(path, CONTENT)
    assert modes == [stat.S_IMODE(path.stat().st_mode)]


def test_a_protected_file_stays(path, monkeypatch):
    """As root, a test can write to any file."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError) as caught:
        replace_file(path, CONTENT)
    assert caught.value.filename == str(path)
    assert only(path) == b"the former one"


@pytest.mark.parametrize("place", ["none/file", "."])
def test_places_where_no_file_can_be(tmp_path, place):
    with pytest.raises(OSError) as caught:
        replace_file(tmp_path / place, CONTENT)
    assert caught.value.filename == str(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_stay_links(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link, dangling, loop = (tmp_path / name for name in ("link", "dangling", "loop"))
    (folder / "target").write_bytes(b"former")
    link.symlink_to("elsewhere/target")
    dangling.symlink_to(folder / "new")
    loop.symlink_to(loop)
    for path in (link, dangling):
        replace_file(path, CONTENT)
        assert path.is_symlink() and path.read_bytes() == CONTENT
    assert {entry.name for entry in folder.iterdir()} == {"target", "new"}
    with pytest.raises(OSError) as caught:
        replace_file(loop, CONTENT)
    assert caught.value.errno == errno.ELOOP and loop.is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_devices_are_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_file(pipe, b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    replace_file(os.devnull, CONTENT)
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="no /dev/stdout here")
def test_the_standard_output_is_a_file_to_go_on_with(tmp_path):
    """It is redirected to a file, and other lines come before and after."""
    code = (
        "from skvision._model_files.replace_file import replace_file\n"
        "print('before'); replace_file('/dev/stdout', b'content\\n'); print('after')"
    )
    path = tmp_path / "log"
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert only(path) == b"before\ncontent\nafter\n"


def test_a_name_as_long_as_the_system_takes(tmp_path):
    path = tmp_path / ("é" * 127)
    replace_file(path, CONTENT)
    replace_file(path, b"")
    assert only(path) == b""


def test_writers_at_the_same_time_do_not_mix(path):
    from concurrent.futures import ThreadPoolExecutor

    contents = [np.full(10_000, i, np.uint8).tobytes() for i in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda content: replace_file(path, content), contents))
    assert only(path) in contents

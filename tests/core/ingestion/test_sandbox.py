"""Children are confined, bounded and expendable: whatever they do, the parent goes on."""

import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from core.errors import UnreadableFile
from core.ingestion.limits import MIB, Limits
from core.ingestion.sandbox import Sandbox, _opened, from_json
from core.ingestion.sandbox_child import as_json
from core.ingestion.unpacking import Unpacking, safe_name
from tests.core.test_zips import empty_entries

ROOT = Path(__file__).resolve().parents[3]
PROBE = """
import ctypes, sys
from pathlib import Path
from core.ingestion import confinement
libc = ctypes.CDLL(None, use_errno=True)
readable = [Path(sys.prefix), Path(sys.base_prefix), Path({root!r}), Path({readable!r})]
held = confinement.confine({memory}, {cpu}, 1_000_000, readable, [Path({writable!r})])
{code}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def confined(code: str, tmp_path: Path, memory: int = 512 * MIB, cpu: int = 5) -> subprocess.CompletedProcess[str]:
    """Runs code in a process that gave up its rights as a parsing child does."""
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "out").mkdir(exist_ok=True)
    script = PROBE.format(
        memory=memory, cpu=cpu, root=str(ROOT), readable=str(tmp_path / "in"), writable=str(tmp_path / "out"), code=code
    )
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def _good(tmp_path: Path) -> Path:
    path = tmp_path / "good.txt"
    path.write_text("The notice period is 30 days.")
    return path


def test_a_confined_process_cannot_open_a_socket(tmp_path: Path) -> None:
    done = confined("import socket; socket.socket()", tmp_path)
    assert done.returncode != 0
    assert "PermissionError" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_confined_process_cannot_open_a_socket_past_python(tmp_path: Path) -> None:
    code = "print('seccomp' not in held or (libc.socket(2, 1, 0), ctypes.get_errno(), libc.fork(), ctypes.get_errno()))"
    assert confined(code, tmp_path).stdout.strip() in ("True", "(-1, 1, -1, 1)")


STARTERS = (
    "import os; os.fork()",
    "import os; os.execv('/bin/true', ['true'])",
    "import subprocess; subprocess.run(['true'])",
    "import os; os.system('true')",
)


@pytest.mark.parametrize("code", STARTERS)
def test_a_confined_process_starts_no_other(code: str, tmp_path: Path) -> None:
    done = confined(code, tmp_path)
    assert done.returncode != 0
    assert "PermissionError" in done.stderr


def test_a_confined_process_cannot_take_more_than_its_memory(tmp_path: Path) -> None:
    done = confined("x = bytearray(1_000_000_000)", tmp_path)
    assert "MemoryError" in done.stderr


def test_a_confined_process_dies_when_it_spins(tmp_path: Path) -> None:
    done = confined("while True: pass", tmp_path, cpu=1)
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_a_confined_process_reads_only_what_it_was_given(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("other document")
    code = (
        f"print(held)\nif 'landlock' in held: open({str(secret)!r}).read()\nelse: raise PermissionError('no landlock')"
    )
    done = confined(code, tmp_path)
    assert "PermissionError" in done.stderr


def test_a_confined_process_cannot_fill_the_disk(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'out' / 'big')!r}, 'wb').write(bytes(5_000_000))"
    done = confined(code, tmp_path)
    assert done.returncode != 0
    written = tmp_path / "out" / "big"
    assert not written.exists() or written.stat().st_size <= 1_000_000


def test_a_file_is_read_in_a_child_as_it_is_in_process(sandbox: Sandbox, tmp_path: Path) -> None:
    from core.ingestion.parsing import parse

    path = _good(tmp_path)
    assert sandbox.parse(path, "good.txt") == parse(path, "good.txt", Limits())


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    slow = tmp_path / "slow.html"
    slow.write_text("<div>" * 400_000 + "text")
    hurried = Sandbox(Limits(wall_s=0.05, wall_s_per_mib=0.0))
    with hurried, pytest.raises(UnreadableFile, match="takes longer"):
        hurried.parse(slow, "slow.html")
    with Sandbox() as sandbox:
        assert sandbox.parse(_good(tmp_path), "good.txt").pages[0].text


def test_a_file_that_needs_too_much_memory_is_given_up(tmp_path: Path) -> None:
    big = tmp_path / "big.txt"
    big.write_text("word " * 30_000_000)
    with Sandbox(Limits(memory=400 * MIB)) as sandbox:
        with pytest.raises(UnreadableFile):
            sandbox.parse(big, "big.txt")
        assert sandbox.parse(_good(tmp_path), "good.txt").pages[0].text


def test_the_sandbox_goes_on_when_its_process_is_killed(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        path = _good(tmp_path)
        sandbox.parse(path, "good.txt")
        assert sandbox._process is not None
        sandbox._process.kill()
        sandbox._process.wait()
        assert sandbox.parse(path, "good.txt").pages[0].text


def test_a_reader_that_is_killed_before_it_has_begun_is_started_again(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        sandbox.parse(_good(tmp_path), "good.txt")
        assert sandbox._process is not None
        os.kill(sandbox._process.pid, signal.SIGSTOP)  # it takes the document, and dies before it reads it
        with ThreadPoolExecutor(1) as reading:
            found = reading.submit(sandbox.parse, _good(tmp_path), "good.txt")
            time.sleep(0.2)
            sandbox._process.kill()
            assert found.result().pages[0].text


def test_a_disk_that_was_full_for_the_child_is_no_fault_of_the_document() -> None:
    with pytest.raises(OSError, match="No space left"):
        _opened(b'{"disk": 28}', "x.pdf")
    for claimed in (b'{"disk": 1}', b'{"disk": "28"}', b'{"disk": [28]}'):
        assert "document" not in _opened(claimed, "x.pdf")


def test_a_killed_child_costs_one_document(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        with sandbox._connection() as (pid, connection):
            os.kill(pid, signal.SIGKILL)
            data = sandbox._exchange(connection, b"{}\n", pid, 5.0, "x.pdf")
        with pytest.raises(UnreadableFile, match="damaged"):
            _opened(data, "x.pdf")
        assert sandbox.parse(_good(tmp_path), "good.txt").pages[0].text


def test_a_document_whose_reader_is_killed_from_outside_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "long.md"
    path.write_text("\n\n".join(f"## Part {n}\n\nThe fee of part {n} is {n} euro." for n in range(20_000)))
    with Sandbox() as sandbox, ThreadPoolExecutor(1) as reading:
        sandbox.parse(_good(tmp_path), "good.txt")
        assert sandbox._process is not None
        found = reading.submit(sandbox.parse, path, "long.md")
        while not (children := psutil.Process(sandbox._process.pid).children()):
            time.sleep(0.001)
        children[0].kill()
        assert "The fee of part 19999" in found.result().pages[-1].text


def test_children_end_with_the_process_that_owns_the_sandbox(tmp_path: Path) -> None:
    code = (
        "from core.ingestion.sandbox import Sandbox\nimport os, time\n"
        "s = Sandbox(); print(s._process.pid, flush=True)\n"
        f"from pathlib import Path; s.parse(Path({str(_good(tmp_path))!r}), 'good.txt')\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert owner.stdout.readline().strip() == "ready"
    owner.kill()
    owner.wait()
    owner.stdout.close()
    for _ in range(200):
        if not _alive(pid):
            break
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_many_threads_share_one_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = []
    for number in range(20):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"Document {number} says {number * 7}.")
        paths.append(path)
    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda path: sandbox.parse(path, path.name).pages[0].text, paths))
    assert texts == [f"Document {number} says {number * 7}." for number in range(20)]


def test_a_thread_that_ends_does_not_take_the_sandbox_with_it(tmp_path: Path) -> None:
    box: list[Sandbox] = []
    thread = threading.Thread(target=lambda: box.append(Sandbox()))
    thread.start()
    thread.join()
    with box[0] as sandbox:
        assert sandbox.parse(_good(tmp_path), "good.txt").pages[0].text


def test_temporary_folders_and_descriptors_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    with Sandbox() as sandbox:
        sandbox.parse(_good(tmp_path), "good.txt")
        gc.collect()
        before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
        for _ in range(5):
            sandbox.parse(_good(tmp_path), "good.txt")
        after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    assert after == before
    assert os.listdir(tmp_path / "temp") == []


def test_a_closed_sandbox_says_so(tmp_path: Path) -> None:
    sandbox = Sandbox()
    sandbox.close()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.parse(_good(tmp_path), "good.txt")


def test_a_document_survives_its_way_back_and_bad_offsets_do_not(tmp_path: Path) -> None:
    from core.ingestion.parsing import parse

    document = parse(_good(tmp_path), "good.txt")
    assert from_json(as_json(document)) == document
    broken = as_json(document)
    broken["pages"][0][3][0][2] = 10_000
    with pytest.raises(ValueError, match="outside"):
        from_json(broken)


def _zip(tmp_path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], name: str = "a.zip") -> Path:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return path


def test_names_that_point_outside_are_refused_and_nothing_is_written_there(sandbox: Sandbox, tmp_path: Path) -> None:
    names = ["../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "..\\..\\evil.txt", "a/../../evil.txt"]
    path = _zip(tmp_path, [(name, b"x") for name in names] + [("good.txt", b"good")])
    entries = sandbox.unpack(path, tmp_path / "deep" / "out")
    assert [bool(entry.path) for entry in entries] == [False] * 5 + [True]
    assert all("outside" in entry.reason for entry in entries[:5])
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {"a.zip", "00005"}


def test_a_link_in_an_archive_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    entries = sandbox.unpack(_zip(tmp_path, [(link, b"/etc/passwd")]), tmp_path / "out")
    assert entries[0].path is None
    assert "link" in entries[0].reason


def test_a_bomb_is_stopped_while_it_inflates_and_its_neighbours_are_kept(tmp_path: Path) -> None:
    path = _zip(tmp_path, [("bomb.txt", bytes(60 * MIB)), ("good.txt", b"good")])
    with Sandbox(Limits(ratio_from=MIB)) as sandbox:
        bomb, good = sandbox.unpack(path, tmp_path / "out")
    assert "bomb" in bomb.reason
    assert bomb.path is None
    assert good.path is not None


def test_an_archive_may_not_inflate_beyond_its_total(tmp_path: Path) -> None:
    path = _zip(tmp_path, [(f"{n}.bin", os.urandom(MIB)) for n in range(4)])
    with Sandbox(Limits(unpacked=2 * MIB)) as sandbox:
        entries = sandbox.unpack(path, tmp_path / "out")
    assert [bool(entry.path) for entry in entries] == [True, True, False, False]


def test_archives_in_archives_are_unpacked_once(sandbox: Sandbox, tmp_path: Path) -> None:
    deepest = _packed([("c.txt", b"deepest")])
    middle = _packed([("b.txt", b"middle"), ("c.zip", deepest)])
    entries = sandbox.unpack(_zip(tmp_path, [("a.txt", b"top"), ("b.zip", middle)]), tmp_path / "out")
    assert [(entry.name, bool(entry.path)) for entry in entries] == [
        ("a.txt", True), ("b.zip/b.txt", True), ("b.zip/c.zip", False)]  # fmt: skip


def _packed(entries: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def test_what_the_mac_adds_is_skipped_and_too_many_files_are_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path, [("__MACOSX/._a.txt", b"x"), ("a.txt", b"a"), (".DS_Store", b"x"), ("b.txt", b"b")])
    entries = Unpacking(_made(tmp_path / "out"), Limits()).run(path, "a.zip")
    assert [entry.name for entry in entries if entry.path] == ["a.txt", "b.txt"]
    entries = Unpacking(_made(tmp_path / "few"), Limits(entries=2)).run(path, "a.zip")
    assert "more than 2 files" in entries[-1].reason


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_an_archive_whose_list_is_too_long_is_refused_in_one_line(sandbox: Sandbox, tmp_path: Path) -> None:
    many = empty_entries(tmp_path / "many.zip", 200_000)
    with pytest.raises(UnreadableFile, match=r"many\.zip holds too many files: .* longer than 8 MB"):
        sandbox.unpack(many, tmp_path / "out")


def test_names_are_shown_safely() -> None:
    assert safe_name("C:\\docs\\..\\CON.txt") == "docs/_CON.txt"
    assert safe_name("../../etc/passwd\x00\x1b[31m") == "etc/passwd[31m"
    assert safe_name("///") == "unnamed"

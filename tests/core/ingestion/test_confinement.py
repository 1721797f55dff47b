"""A reader that was taken over changes no file outside of its folder, by whatever call; inside it works."""

import sys
from pathlib import Path

import pytest

from tests.core.ingestion.test_sandbox import confined

HARM = {
    "create": "open(at / 'new', 'w')",
    "write": "open(at / 'file', 'r+').write('x')",
    "empty": "open(at / 'file', 'w')",
    "truncate": "os.truncate(at / 'file', 0)",
    "truncate past Python": "done(libc.truncate(bytes(at / 'file'), 0))",
    "chmod": "os.chmod(at / 'file', 0o777)",
    "chmod of a descriptor": "os.fchmod(os.open(at / 'file', os.O_RDONLY), 0o777)",
    "chmod past Python": "done(libc.chmod(bytes(at / 'file'), 0o777))",
    "chown": "os.chown(at / 'file', os.getuid(), -1)",
    "set times": "os.utime(at / 'file', (0, 0))",
    "set attributes": "os.setxattr(at / 'file', 'user.x', b'y')",
    "rename": "os.rename(at / 'file', at / 'other')",
    "move out": "os.rename(at / 'file', own / 'taken')",
    "move in": "os.rename(own / 'mine', at / 'file')",
    "link": "os.link(at / 'file', own / 'link')",
    "symbolic link": "os.symlink('/etc/passwd', at / 'link')",
    "unlink": "os.unlink(at / 'file')",
    "make a folder": "os.mkdir(at / 'folder')",
    "remove a folder": "os.rmdir(at / 'empty')",
}
DO = """
import os
own = Path({own!r})
def done(result):
    if result:
        raise OSError(ctypes.get_errno(), 'refused')
def attempt(at, act):
    try:
        eval(act)
    except OSError as error:
        return type(error).__name__
    return 'done'
print('landlock' in held, attempt(Path({at!r}), {act!r}))
"""


def _as_it_is(folder: Path) -> list[tuple[str, int, int, str]]:
    found = sorted(folder.rglob("*"))
    stats = [path.lstat() for path in found]
    texts = [path.read_text() if path.is_file() else "" for path in found]
    return [(p.name, s.st_mode, s.st_mtime_ns, t) for p, s, t in zip(found, stats, texts, strict=True)]


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
@pytest.mark.parametrize("act", HARM)
@pytest.mark.parametrize("where", ["in", "elsewhere"])
def test_a_confined_process_changes_nothing_outside_of_its_folder(where: str, act: str, tmp_path: Path) -> None:
    """`in` is what it may read, `elsewhere` what it may not."""
    for name in ("in", "elsewhere", "out"):
        (tmp_path / name / "empty").mkdir(parents=True)
        (tmp_path / name / "file").write_text("words")
    (tmp_path / "out" / "mine").write_text("mine")
    before = _as_it_is(tmp_path / where)
    done = confined(DO.format(own=str(tmp_path / "out"), at=str(tmp_path / where), act=HARM[act]), tmp_path)
    if done.stdout.startswith("False"):
        pytest.skip("this kernel has no Landlock: files are not kept from a confined process")
    assert done.stdout.split() in (["True", "PermissionError"], ["True", "OSError"]), done.stderr
    assert _as_it_is(tmp_path / where) == before


def test_a_confined_process_works_inside_of_its_folder(tmp_path: Path) -> None:
    code = f"""
import os
own = Path({str(tmp_path / "out")!r})
(own / 'folder').mkdir()
(own / 'a').write_text('words')
(own / 'a').write_text('w')
with open(own / 'a', 'r+') as file:
    file.truncate(0)
    file.write('other words')
(own / 'a').rename(own / 'b')
(own / 'b').rename(own / 'folder' / 'c')
(own / 'd').touch()
(own / 'd').unlink()
"""
    done = confined(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "folder" / "c").read_text() == "other words"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["folder"]

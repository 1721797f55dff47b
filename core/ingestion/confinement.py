"""Takes rights away from the process that calls it, for good: memory, CPU time, files, network, other programs.

What holds where: resource limits and the Python audit hook everywhere; on Linux also a network namespace of its
own where the kernel lets users have one, Landlock (only the given paths can be opened, emptied, moved or removed) where
the kernel has it, and a seccomp filter (no sockets, no programs, no new processes, no rights, owners or times of files
changed, which Landlock does not know) on x86-64 and arm64. Each is tried; none is needed for
the others to hold. `confine` says which of them do.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE = 1, 38, 22, 4
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIGKILL, _EPERM = 9, 1
_FORBIDDEN_EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "os.kill",
    "ctypes.dlopen",
)

# socket socketpair connect clone fork vfork execve execveat clone3 ptrace unshare setns mount process_vm_readv
# process_vm_writev io_uring_setup bpf perf_event_open kill keyctl userfaultfd pidfd_send_signal pidfd_getfd
_X86 = (41, 53, 42, 56, 57, 58, 59, 322, 435, 101, 272, 308, 165, 310, 311, 425, 321, 298, 62, 250, 323, 424, 438)
_ARM = (198, 199, 203, 220, 221, 281, 435, 117, 97, 268, 40, 270, 271, 425, 280, 241, 129, 219, 282, 424, 438)
# truncate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
# setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr setxattrat removexattrat file_setattr
_X86_FILES = (76, 90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 197, 198, 199, 463, 466, 469)
_ARM_FILES = (45, 52, 53, 452, 55, 54, 88, 5, 6, 7, 14, 15, 16, 463, 466, 469)
_CALLS = {"x86_64": (0xC000003E, _X86 + _X86_FILES), "aarch64": (0xC00000B7, _ARM + _ARM_FILES)}
_LANDLOCK_READ, _LANDLOCK_READ_FILE = 0b1100, 0b0100
_LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights on files each version of Landlock knows: REFER came with 2, TRUNCATE with 3, IOCTL_DEV with 5."""
_LANDLOCK_VERSION = 1  # asks for the version instead of making a ruleset


def die_with_parent(parent: int) -> None:
    """The kernel kills this process when its parent ends (Linux); at once when that has happened already."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def confine(memory: int, cpu_s: int, file_size: int, readable: Sequence[Path], writable: Sequence[Path]) -> list[str]:
    """Gives up rights that cannot be had back.

    Args:
        memory: bytes of address space.
        cpu_s: seconds of processor time; the kernel kills the process beyond.
        file_size: bytes of any file it writes.
        readable: files and folders that may still be read (code and the document).
        writable: folders that may still be written.

    Returns: the names of the means that hold.
    """
    held = ["limits"]
    if sys.platform == "linux":
        libc = _libc()
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        held += ["network namespace"] if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 else []
        held += ["landlock"] if _landlock(libc, readable, writable) else []
        held += ["seccomp"] if _seccomp(libc) else []
    _limit(memory, cpu_s, file_size)
    sys.addaudithook(_refuse)
    return [*held, "audit hook"]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _limit(memory: int, cpu_s: int, file_size: int) -> None:
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, memory),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS below what is mapped
            continue


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(_FORBIDDEN_EVENTS):
        raise PermissionError(f"{event} is not allowed while a document is read")


def _landlock(libc: ctypes.CDLL, readable: Sequence[Path], writable: Sequence[Path]) -> bool:
    """Only `readable` and `writable` can be opened from now on (Linux 5.13 and later)."""
    version = libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_VERSION))
    if version < 1:
        return False
    everything = (1 << max(bits for since, bits in _LANDLOCK_RIGHTS.items() if since <= version)) - 1
    attributes = ctypes.create_string_buffer(struct.pack("Q", everything))
    ruleset = libc.syscall(444, attributes, ctypes.c_size_t(8), ctypes.c_uint(0))
    if ruleset < 0:
        return False
    for path, rights in [*((p, _LANDLOCK_READ) for p in readable), *((p, everything) for p in writable)]:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            continue
        rights = rights if path.is_dir() else rights & _LANDLOCK_READ_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, fd))
        libc.syscall(445, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0))
        os.close(fd)
    done: bool = libc.syscall(446, ctypes.c_int(ruleset), ctypes.c_uint(0)) == 0
    os.close(ruleset)
    return done


def _seccomp(libc: ctypes.CDLL) -> bool:
    """A BPF program: the calls listed above fail with EPERM, a foreign calling convention kills."""
    architecture, calls = _CALLS.get(platform.machine(), (0, ()))
    if not calls:
        return False
    count = len(calls)
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, architecture), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
    program += [(0x35, count + 1, 0, 0x40000000)]  # the x32 way of calling
    program += [(0x15, count - index, 0, call) for index, call in enumerate(calls)]
    program += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | _EPERM)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filters = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    return bool(libc.prctl(_PR_SET_SECCOMP, 2, ctypes.c_ulong(ctypes.addressof(filters)), 0, 0) == 0)

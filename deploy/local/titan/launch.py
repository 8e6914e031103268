"""Becomes another program that dies with its parent and, where asked, is not root.

Run by path with `python -I -S`, so it may use the standard library only. A separate program instead of a function
between fork and exec: the supervisor has threads, and Python code there can deadlock.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


def main(arguments: list[str]) -> None:
    """Drop root, tie this process to its parent, then exec the program after `--`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--walk", action="store_true", help="keep the right to enter directories of others")
    parser.add_argument("program", nargs="+")
    wanted = parser.parse_args(arguments)
    if wanted.uid is not None:
        become(wanted.uid, wanted.gid, keep_walking=wanted.walk)
    # After the change of user, which clears it.
    die_with_parent(wanted.parent, wanted.signal)
    os.execv(wanted.program[0], wanted.program)


def become(uid: int, gid: int, *, keep_walking: bool) -> None:
    """Change to an unprivileged user, for good."""
    libc = ctypes.CDLL(None, use_errno=True) if keep_walking else None
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if libc is not None:
        keep_one_capability(libc)


def keep_one_capability(libc: ctypes.CDLL) -> None:
    """Keep entering directories that belong to root (a checkout in /root), by the smallest capability there is."""
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        header = (ctypes.c_uint32 * 2)(CAP_VERSION_3, 0)
        bit = 1 << capability
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if libc.capset(header, sets) == 0 and libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0:
            return
    sys.exit("this root may not enter directories for another user: move the data directory out of a private home")


def die_with_parent(parent: int, number: int) -> None:
    """Ask the kernel for a signal when the parent is gone; elsewhere than Linux the next start cleans up."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])

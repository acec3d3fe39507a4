"""Freed memory is kept for the next block of snapshots."""

from __future__ import annotations

import ctypes
from functools import cache

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h
MEBIBYTE = 2**20


@cache
def keep_freed_memory() -> bool:
    """Have glibc keep what arrays of up to 32 MiB give back, up to 256 MiB; whether there is a glibc to ask.

    Each block of snapshots makes and drops some hundreds of arrays. Handed back to the system and fetched again, they
    cost a fifth of the kernel's time, spent on clearing pages.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    kept = [mallopt(MMAP_THRESHOLD, 32 * MEBIBYTE), mallopt(TRIM_THRESHOLD, 256 * MEBIBYTE)]
    return all(kept)

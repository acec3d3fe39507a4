"""Freed memory is kept where there is a glibc."""

from __future__ import annotations

import platform

import numpy as np

from features.memory import keep_freed_memory


def test_it_is_kept_where_there_is_a_glibc_and_asked_for_once() -> None:
    assert keep_freed_memory() is (platform.libc_ver()[0] == "glibc")
    keep_freed_memory()
    assert keep_freed_memory.cache_info().misses == 1
    assert np.ones(2**20).sum() == 2**20  # memory is still to be had

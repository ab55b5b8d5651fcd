"""How this process treats memory: for pages of rows that come and go, read by several threads."""

from __future__ import annotations

import atexit
import gc
import sys

_ARENAS, _MOST_ARENAS = -8, 2
"""Of `mallopt`. Source: the GNU C Library's malloc.h, M_ARENA_MAX."""
_WHILE_LOADING, _THEN = 400_000, 100_000
"""How much is made until cycles are looked for. All our libraries are some 100,000 objects, which
stay. Rows make no cycles; what calls and statements leave behind does, with ids and headers."""


def prepare_for_pages() -> None:
    """Look seldom for cycles, and take memory from few places; to be called at the start."""
    gc.set_threshold(_WHILE_LOADING, 10, 10)
    atexit.register(gc.freeze)  # a process that ends gives all back without a last look
    _share_between_threads()


def leave_alone_what_is_loaded() -> None:
    """Look for cycles no more in what was loaded by now, which stays until the end anyway."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.set_threshold(_THEN, 10, 10)


def _share_between_threads() -> None:
    """Where the C library is glibc: else each thread keeps what its largest pages took."""
    if sys.platform != "linux":
        return
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_ARENAS, _MOST_ARENAS)

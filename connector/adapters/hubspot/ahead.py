"""Asks ahead: some questions are under way while the answer to an earlier one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(
    ask: Callable[[T], R], asked: Iterable[T], most: int, *, spare: int = 0
) -> Generator[R]:
    """Yield the answers in the order of the questions, up to `most` of them asked ahead.

    `spare` more lie ready for whoever is done while an earlier answer is waited for. An error is
    raised where its answer would have come, after all those before it.
    """
    waiting: deque[Future[R]] = deque()
    with threads(most) as pool:
        try:
            for one in asked:
                waiting.append(pool.submit(ask, one))
                if len(waiting) >= most + spare:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            if isinstance(asked, Generator):
                asked.close()


@contextmanager
def threads(most: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads; what has not begun at the end is not done any more."""
    pool = ThreadPoolExecutor(most, thread_name_prefix="hubspot")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

"""Asks ahead: some questions are under way while the answer to an earlier one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(ask: Callable[[T], R], asked: Iterable[T], most: int) -> Generator[R]:
    """Yield the answers in the order of the questions, up to `most` of them asked ahead.

    An error is raised where its answer would have come, after all those before it.
    """
    waiting: deque[Future[R]] = deque()
    with threads(most) as pool:
        try:
            for one in asked:
                waiting.append(pool.submit(ask, one))
                if len(waiting) >= most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            if isinstance(asked, Generator):
                asked.close()


def one_ahead(made: Generator[T]) -> Generator[T]:
    """Yield what a generator makes, the next of it made while the one before is worked on."""
    with threads(1) as pool:
        try:
            coming = pool.submit(next, made, None)
            while (one := coming.result()) is not None:
                coming = pool.submit(next, made, None)
                yield one
        finally:
            coming.cancel() or wait([coming])
            made.close()


@contextmanager
def threads(most: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads; what has not begun at the end is not done any more."""
    pool = ThreadPoolExecutor(most, thread_name_prefix="hubspot")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

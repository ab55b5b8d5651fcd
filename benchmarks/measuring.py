"""Runs a command, takes its cost from the kernel, and prints tables."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
_LOOK_S = 0.02


class Measured(NamedTuple):
    """Seconds, megabytes, and what the command said on its last line, read as JSON.

    `peak` is of the largest process; `together` the most that all held at one moment, where that
    was watched, what they share counted for each.
    """

    wall: float
    cpu: float
    peak: float
    said: Any
    together: float = 0.0


class NotMeasured(Exception):  # noqa: N818  it is reported, not raised to people
    """A contestant that could not run here, and why."""


def measured(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    code: int = 0,
    seconds: float = 3600,
    *,
    watch: bool = False,
) -> Measured:
    """Run a command to its end; CPU and peak memory count the children it waited for.

    With `watch` the memory of all its processes together is looked at all the time; Linux only.

    Raises NotMeasured with the last line of its complaint when it ends with another code, or
    when it takes longer than `seconds`.
    """
    _compile_as_installing_does()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaint:
        begun = time.perf_counter()
        child = subprocess.Popen(
            list(command),
            cwd=ROOT,
            stdout=out,
            stderr=complaint,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )
        late = threading.Timer(seconds, child.kill)
        late.start()
        with _watching(child.pid if watch else None) as held:
            _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        if not late.is_alive():
            raise NotMeasured(f"stopped after {seconds:.0f} s")
        late.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != code:
            raise NotMeasured(f"ended with {child.returncode}: {_last_line(complaint)}")
        last = _last_line(out)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return Measured(wall, cpu, peak, _read(last), held[0] / 1024**2)


@contextmanager
def _watching(pid: int | None) -> Iterator[list[int]]:
    """Give the most bytes a process and its children held at one moment so far."""
    most, ended = [0], threading.Event()

    def look() -> None:
        while pid is not None and not ended.wait(_LOOK_S):
            most[0] = max(most[0], _resident(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ended.set()
        looking.join()


def _resident(pid: int | str) -> int:
    """Bytes that a process and its children hold; none of one that is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        children = " ".join(one.read_text(encoding="ascii") for one in lists).split()
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(_resident, children))


@lru_cache(maxsize=1)
def _compile_as_installing_does() -> None:
    """Compile our modules, as pip does: else a process that keeps no bytecode does so each time,
    and that second is measured."""
    compileall.compile_dir(ROOT / "connector", quiet=2)
    compileall.compile_dir(ROOT / "benchmarks", quiet=2)


def module(name: str, *arguments: object) -> list[str]:
    """Give the command that runs one of our modules in this interpreter."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def free_memory() -> int:
    """Bytes that a process may take now without pushing others out; Linux only, else 0."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def cache() -> Path:
    """Give the folder outside the clone where data and others' environments are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "leadloop-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environment(name: str, *packages: str) -> Path:
    """Give the Python of an environment that holds these packages, made when it is missing.

    Raises NotMeasured when they cannot be installed.
    """
    folder = cache() / f"venv-{name}"
    python = folder / "bin" / "python"
    mark = folder / "packages.json"
    if mark.is_file() and json.loads(mark.read_text()) == list(packages):
        return python
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no word"]
            raise NotMeasured(f"{' '.join(packages)} cannot be installed: {said[-1][:120]}")
    mark.write_text(json.dumps(list(packages)))
    return python


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out under their columns: the first to the left, figures to the right."""
    shown = [columns, *rows]
    widths = [
        max(len(cells[at]) for cells in shown if at == 0 or len(cells) == len(columns))
        for at in range(len(columns))
    ]

    def line(cells: Sequence[str]) -> str:
        if len(cells) < len(columns):  # a name and a remark
            return f"{cells[0]:{widths[0]}}  {cells[1]}"
        padded = [f"{c:>{w}}" for c, w in zip(cells[1:], widths[1:], strict=True)]
        return "  ".join([f"{cells[0]:{widths[0]}}", *padded])

    return "\n".join([title, line(columns), *map(line, rows), ""])


def _last_line(file: Any) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 4000))
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line

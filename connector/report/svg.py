"""Small pictures as SVG text: widths in percent, heights in pixels, colours by class.

Without a viewBox a picture takes whatever width there is and its text keeps its size, from a phone
to a printed page. Pictures are for the eye only (aria-hidden): the same numbers stand beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup


def bar(share: float | None, kind: str = "main", *, height: int = 18) -> Markup:
    """A bar that fills `share` (0 to 1) of its track."""
    width = _percent(share)
    return _picture(
        height,
        f'<rect class="track" width="100%" height="{height}" rx="2"/>'
        f'<rect class="fill {kind}" width="{width}" height="{height}" rx="2"/>',
    )


def stack(parts: Sequence[tuple[int, str]], *, height: int = 18) -> Markup:
    """Parts of a whole, side by side: (amount, class) each."""
    whole = sum(amount for amount, _ in parts)
    drawn, at = [f'<rect class="track" width="100%" height="{height}" rx="2"/>'], 0.0
    for amount, kind in parts:
        if whole and amount:
            wide = amount / whole
            drawn.append(
                f'<rect class="fill part {kind}" x="{_percent(at)}" width="{_percent(wide)}" '
                f'height="{height}"/>'
            )
            at += wide
    return _picture(height, "".join(drawn))


def interval(
    rate: float | None,
    bounds: Sequence[float] | None,
    *,
    kind: str = "main",
    height: int = 22,
) -> Markup:
    """A rate (0 to 1) as a dot on its interval, over light marks at 25, 50 and 75%."""
    middle = height // 2
    drawn = "".join(
        f'<line class="mark" x1="{at}%" x2="{at}%" y1="0" y2="{height}"/>' for at in (25, 50, 75)
    )
    drawn += f'<line class="axis" x1="0" x2="100%" y1="{middle}" y2="{middle}"/>'
    if rate is not None and bounds is not None:
        low, high = bounds
        drawn += (
            f'<line class="range {kind}" x1="{_percent(low)}" x2="{_percent(high)}" '
            f'y1="{middle}" y2="{middle}"/>'
            f'<circle class="dot {kind}" cx="{_percent(rate)}" cy="{middle}" r="5"/>'
        )
    return _picture(height, drawn)


def columns(pairs: Sequence[tuple[int, int]], *, room: int = 0, height: int = 96) -> Markup:
    """Columns side by side, each a whole and the part of it that is drawn dark.

    There is room for `room` of them, so that few are no wider than many.
    """
    room = max(room, len(pairs))
    most = max((whole for whole, _ in pairs), default=0)
    drawn = [f'<line class="axis" x1="0" x2="100%" y1="{height - 1}" y2="{height - 1}"/>']
    for number, (whole, part) in enumerate(pairs):
        left = (number + 0.12) / room
        for amount, kind in ((whole, "quiet"), (part, "main")):
            tall = (height - 2) * amount / most if most else 0
            drawn.append(
                f'<rect class="fill {kind}" x="{_percent(left)}" '
                f'width="{_percent(0.76 / room)}" y="{height - 1 - tall:.1f}" '
                f'height="{tall:.1f}"/>'
            )
    return _picture(height, "".join(drawn))


def flow(steps: Sequence[tuple[int, int, int, int]], *, height: int = 120) -> Markup:
    """Streams from stage to stage: (reached, went on, may come back, gone) each.

    What goes on keeps to the top, what leaves bends down; what is left over is still there.
    """
    whole = steps[0][0] if steps else 0
    wide = 100 / len(steps) if steps else 0
    drawn = []
    for number, (reached, on, back, gone) in enumerate(steps):
        tall, upper, quiet, warm = (
            (height - 2) * n / whole if whole else 0 for n in (reached, on, back, gone)
        )
        bottom, kept = height - 2.0, tall - upper - quiet - warm
        shapes = _band("track", upper, upper, kept, reach=24)
        shapes += _band("quiet", upper + kept, bottom - warm - quiet, quiet)
        shapes += _band("warm", upper + kept + quiet, bottom - warm, warm)
        shapes += _band("main", 0, 0, upper, reach=100)
        drawn.append(
            f'<rect class="fill main" x="{number * wide:.2f}%" width="6" height="{tall:.1f}"/>'
            f'<svg x="{number * wide:.2f}%" width="{wide:.2f}%" height="{height}" '
            f'viewBox="0 0 100 {height}" preserveAspectRatio="none">{shapes}</svg>'
        )
    return _picture(height, "".join(drawn))


def _band(kind: str, top: float, end: float, tall: float, *, reach: int = 70) -> str:
    """A band of one height from `top` at the left to `end` after `reach` hundredths."""
    if tall <= 0:
        return ""
    half = reach / 2
    return (
        f'<path class="fill {kind}" opacity=".7" d="M0 {top:.1f}C{half:g} {top:.1f} {half:g} '
        f"{end:.1f} {reach} {end:.1f}V{end + tall:.1f}C{half:g} {end + tall:.1f} {half:g} "
        f'{top + tall:.1f} 0 {top + tall:.1f}Z"/>'
    )


def _percent(share: float | None) -> str:
    return f"{100 * min(max(share or 0.0, 0.0), 1.0):.2f}%"


def _picture(height: int, drawn: str) -> Markup:
    return Markup(  # noqa: S704  numbers and our own class names only
        f'<svg aria-hidden="true" focusable="false" width="100%" height="{height}">{drawn}</svg>'
    )

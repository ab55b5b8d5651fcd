"""Our values on their way out, and whether a CRM holds them already."""

from __future__ import annotations

from connector.domain.moment import SECOND, Micros, parse_iso
from connector.domain.outward import OUTWARD, FieldType
from connector.domain.record import Scalar
from connector.mapping.compile import WriteTarget

_LENGTH = {
    field.name: field.length
    for field in OUTWARD.values()
    if field.type in {FieldType.TEXT, FieldType.LONG_TEXT}
}


def to_remote(target: WriteTarget, value: Scalar) -> Scalar:
    """Give the value as it is sent: text cut to the field's length, everything else as it is."""
    if isinstance(value, str):
        most = _LENGTH.get(target.field)
        if most is not None and len(value) > most:
            return value[: most - 1] + "…"
    return value


def same(remote: Scalar, wanted: Scalar) -> bool:
    """Whether a CRM that holds `remote` already holds `wanted`.

    CRMs give back what they were sent in other clothes: 71 as 71.0 or "71", true as "true",
    nothing as None, "" or (an untouched checkbox) False, text with other line endings and
    without its outer blanks, a moment in another zone and to the second. Zero is a value, not
    nothing.
    """
    if _at_a_glance(remote, wanted):
        return True
    if remote is None:
        plain = _plain(wanted)
        return plain is None or plain is False
    left, right = _plain(remote), _plain(wanted)
    if left is None or right is None:
        return left is right or left is False or right is False
    if isinstance(left, bool) or isinstance(right, bool):
        return _truth(left) is not None and _truth(left) is _truth(right)
    if left == right:
        return True
    if _number(left) is not None or _number(right) is not None:
        return _number(left) == _number(right)
    return _moment(left) is not None and _moment(left) == _moment(right)


def _at_a_glance(remote: Scalar, wanted: Scalar) -> bool:
    """Whether they are equal as most are, which need no other look: as they stand, or as text."""
    if remote.__class__ is wanted.__class__:
        return remote == wanted
    if remote.__class__ is not str:
        return False
    if wanted.__class__ is int:
        return remote == str(wanted)
    return remote == "true" if wanted is True else remote == "false" and wanted is False


def _plain(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip() or None
    return value


def _truth(value: Scalar) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).casefold())


def _number(value: Scalar) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _moment(value: Scalar) -> Micros | None:
    """Read text that begins like a moment, to the second; one without a zone is UTC."""
    if not isinstance(value, str) or not value[:5].endswith("-") or not value[:4].isdigit():
        return None
    text = value.replace(" ", "T", 1)
    for spelled in (text, f"{text}+00:00"):
        try:
            return parse_iso(spelled) // SECOND
        except ValueError:
            continue
    return None

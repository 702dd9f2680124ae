"""Times as tills write them: `2026-11-28 17:05:00`, and what ISO 8601 has besides."""

import re
from datetime import datetime, timedelta

RULE = "it must be a time such as 2026-11-28 17:05:00"
NO_OFFSET = "it has no offset, and the channel's settings have no utc-offset"

# A date; then hours, minutes, seconds and their fraction, as far as they are there; then an offset, if there is one.
# What has `-` or `:` between two of its parts has it between all.
TIME = re.compile(
    "([0-9]{4})(-?)([0-9]{2})\\2([0-9]{2})"
    "(?:[Tt ]([0-9]{2})(?:(:?)([0-9]{2})(?:\\6([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    "([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
# The last moment that a node takes; the first is 1970.
LATEST = datetime(9999, 1, 1)
MAX_OFFSET_HOURS = 25


def moment(text: str, usual_offset: timedelta | None) -> int:
    """Microseconds since 1970 of a time, with its offset or the usual one. Raises `ValueError` with the rule."""
    parts = TIME.fullmatch(text)
    if not parts:
        raise ValueError(RULE)
    offset = offset_of(parts[10]) if parts[10] else usual_offset
    try:
        local = local_time(parts)
        moment = local - (offset or timedelta())
    except (ValueError, OverflowError):
        raise ValueError(RULE) from None
    if offset is None:
        raise ValueError(NO_OFFSET)
    if not EPOCH <= moment <= LATEST:
        raise ValueError(RULE)
    return (moment - EPOCH) // MICROSECOND


def local_time(parts: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(parts[place] or 0) for place in (1, 3, 4, 5, 7, 8))
    if second == 60:
        # A leap second is the one before it.
        second = 59
    micros = int((parts[9] or "").ljust(6, "0")[:6])
    return datetime(year, month, day, hour, minute, second, micros)


def offset_of(text: str) -> timedelta:
    if text in "Zz":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > MAX_OFFSET_HOURS or minutes > 59:
        raise ValueError(RULE)
    east = timedelta(hours=hours, minutes=minutes)
    return -east if text[0] == "-" else east


def compact(at: int) -> str:
    """A moment to the second, such as `20261127T143002Z`."""
    time = EPOCH + timedelta(microseconds=at)
    return time.isoformat(timespec="seconds").replace("-", "").replace(":", "") + "Z"

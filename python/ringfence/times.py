"""Times between Python and the engine: whole microseconds since 1970 in UTC, exactly."""

from __future__ import annotations

import datetime as _dt

EPOCH = _dt.datetime(1970, 1, 1, tzinfo=_dt.timezone.utc)
_MICROSECOND = _dt.timedelta(microseconds=1)


def microseconds(value: object) -> int | None:
    """Microseconds since 1970 UTC of a datetime or date, or None for anything else.

    A naive datetime and a date are taken as UTC. Anything finer than a microsecond
    (:class:`pandas.Timestamp`) is cut off towards the past.
    """
    if isinstance(value, _dt.datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=_dt.timezone.utc)
        return int((aware - EPOCH) // _MICROSECOND)
    if isinstance(value, _dt.date):
        return (value - EPOCH.date()).days * 86_400_000_000
    return None


def from_microseconds(value: int) -> _dt.datetime:
    """The aware datetime in UTC of whole microseconds since 1970 UTC."""
    return EPOCH + _dt.timedelta(microseconds=value)

"""Quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from startrail.base.time import zone
from startrail.model.alert import Quiet


def quiet_until(quiet: Quiet, now: datetime) -> datetime | None:
    """The end of the quiet hours that ``now`` falls into; None when it falls into none.

    An end that the clock skips in spring is the instant after the gap; one that comes twice in autumn is the first.
    """
    local = now.astimezone(zone(quiet.timezone))
    begin, end = time.fromisoformat(quiet.after), time.fromisoformat(quiet.until)
    wall = local.time().replace(tzinfo=None)
    over_night = begin > end
    inside = (wall >= begin or wall < end) if over_night else begin <= wall < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1) if over_night and wall >= begin else local.date()
    return max(now, datetime.combine(day, end, local.tzinfo).astimezone(UTC))

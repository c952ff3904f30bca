"""How far behind the newest fact a clock may stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from startrail.flow.errors import ClockSetBack
from startrail.flow.run import check_clock
from startrail.flow.session import Session
from startrail.model.run import NewFact
from startrail.testing.clock import ManualClock


@pytest.mark.parametrize(
    ("by_hand", "seconds", "fine"), [(False, 4, True), (False, 6, False), (True, 590, True), (True, 610, False)]
)
def test_a_time_that_was_told_may_be_told_again_while_slow_commands_let_it_pass(
    session: Session, by_hand: bool, seconds: float, fine: bool
) -> None:
    now = session.ports.clock.now()
    session.ports.ledger.append([NewFact("k", "s")], run=None, at=now + timedelta(seconds=seconds))
    ports = replace(session.ports, clock=ManualClock(now), told_time=by_hand)
    if fine:
        check_clock(ports)
    else:
        with pytest.raises(ClockSetBack, match="the newest fact is of"):
            check_clock(ports)

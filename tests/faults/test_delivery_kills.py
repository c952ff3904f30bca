"""A run with several destinations is killed around each: files are whole and the same; mail may come twice, and says so."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.figures import record
from tests.faults.process import Ended, process
from tests.fixtures.deliveries import ANA, BEN, NAME, Recipients

PARALLEL = 2
PLACES = 6
"""The five of the daily report, and the folder of the other report."""


def run(recipients: Recipients, now: str, death: Death) -> Ended:
    arguments = ("run", "-C", str(recipients.till.root), "--json", "--now", now, "--wait", "60")
    with process(command_line, death, arguments) as child:
        return child.ended()


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        *(("before delivery", nth) for nth in (1, PLACES)),
        *(("after delivery written", nth) for nth in (1, 3, 5)),
        *(("after delivery recorded", nth) for nth in (1, 4, PLACES + 1)),
    ],
)
def test_killed_around_a_place_and_run_again_everybody_has_it(
    recipients: Recipients, point: str, nth: int, request: pytest.FixtureRequest
) -> None:
    killed = run(recipients, "2026-10-03T08:00+02:00", Death(point, nth))
    assert killed.code == -signal.SIGKILL, killed.errors
    taken = len(recipients.mail.taken)
    again = run(recipients, "2026-10-03T08:10+02:00", LIVES)
    assert again.code == 0, again.errors
    assert [each == recipients.content() for each in recipients.everywhere()] == [True] * 5
    assert {path.name for path in (recipients.ssh.root / "reports").iterdir()} == {NAME}
    times = Counter(who for who, _ in recipients.mail.taken)
    assert set(times) == {ANA, BEN}
    assert len({message["Message-ID"] for _, message in recipients.mail.taken}) == 1
    twice = sum(times.values()) - 2
    assert twice <= min(PARALLEL, taken)
    delivered = [event for event in again.of("delivered") if event["report"] == "daily"]
    assert delivered or any(event["report"] == "daily" for event in killed.of("delivered"))
    record(request, "kills around deliveries", kills=1, mails_that_came_twice=twice)


def test_killed_by_turns_at_every_place_nothing_is_sent_more_often_than_it_was_killed(recipients: Recipients) -> None:
    kills = 0
    for minute in range(12):
        ended = run(recipients, f"2026-10-03T08:{minute:02}+02:00", Death("after delivery written", 1))
        if ended.code == 0:
            break
        kills += 1
    assert run(recipients, "2026-10-03T08:30+02:00", LIVES).code == 0
    assert kills
    assert [each == recipients.content() for each in recipients.everywhere()] == [True] * 5
    assert len(recipients.mail.taken) <= 2 + kills * PARALLEL
    assert len({message["Message-ID"] for _, message in recipients.mail.taken}) == 1

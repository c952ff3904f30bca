"""Schedules: read strictly, and what they name must be there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.project.test_project_load import FILES, problems_of, write

from startrail.base.errors import StartrailError
from startrail.capabilities.schedules.standing import standing
from startrail.project import errors
from startrail.project.load import read_project

NAME = "schedules/morning.yml"
SCRIPT = {"models/marts/old.sql": "/* startrail\nkind: script\n*/\ncreate table marts.x as select 1 as n\n"}


def test_a_schedule_says_when_what_runs_and_how_it_catches_up(tmp_path: Path) -> None:
    text = 'cron: "0 6 * * 1-5"\ntimezone: Europe/Madrid\ncatchup: all\noverlap: queue\ndeadline: 2h\nrun: ["+marts.*", daily]\n'
    found = read_project(write(tmp_path, {**FILES, NAME: text})).schedules["morning"]
    assert (found.name, found.cron, found.timezone) == ("morning", "0 6 * * 1-5", "Europe/Madrid")
    assert (found.catchup, found.overlap, found.deadline, found.run) == ("all", "queue", "2h", ("+marts.*", "daily"))


def test_alone_a_cron_expression_runs_everything_in_utc_and_catches_up_the_last(tmp_path: Path) -> None:
    found = read_project(write(tmp_path, {**FILES, NAME: 'cron: "0 6 * * *"\n'})).schedules["morning"]
    assert (found.timezone, found.catchup, found.overlap, found.deadline) == ("UTC", "last", "skip", None)
    assert (found.run, found.script) == ((), None)


def test_sources_models_and_scripts_stand_in_the_list_of_schedules(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        **FILES,
        **SCRIPT,
        "sources/orders_api.yml": FILES["sources/orders_api.yml"] + 'schedule: {cron: "0 3 * * *", catchup: none}\n',
        "models/marts/sales.sql": '/* startrail\nkind: view\nschedule: {cron: "0 4 * * *"}\n*/\nselect * from raw.orders\n',
        NAME: 'cron: "0 6 * * *"\nscript: marts.old\n',
        "schedules/all.yml": 'cron: "0 7 * * *"\n',
    }
    assert [(each.name, each.words) for each in standing(read_project(write(tmp_path, files)))] == [
        ("all", ()),
        ("model:marts.sales", ("+marts.sales+",)),
        ("morning", ("marts.old+",)),
        ("source:orders_api", ("orders_api+",)),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "place", "hint"),
    [
        ("", errors.WrongType, ":1:1", ""),
        ("timezone: UTC\n", errors.MissingKey, ":1:1", "cron"),
        ('cron: "0 6 * *"\n', errors.BadValue, ":1:7", ""),
        ('cron: "0 25 * * *"\n', errors.BadValue, ":1:7", ""),
        ('cron: "0 6 31 2 *"\n', errors.BadValue, ":1:7", ""),
        ('cron: "0 6 * * *"\ntimezone: Europe/Madird\n', errors.BadValue, ":2:11", ""),
        ('cron: "0 6 * * *"\ncatchup: lats\n', errors.UnknownWord, ":2:10", "last"),
        ('cron: "0 6 * * *"\noverlap: wait\n', errors.UnknownWord, ":2:10", "skip"),
        ('cron: "0 6 * * *"\ndeadline: soon\n', errors.BadValue, ":2:11", ""),
        ('cron: "0 6 * * *"\ntimezon: UTC\n', errors.UnknownKey, ":2:1", "timezone"),
        ('cron: "0 6 * * *"\nname: x\n', errors.UnknownKey, ":2:1", ""),
        ('cron: "0 6 * * *"\nrun: [marts.sale]\n', errors.UnknownReference, ":2:6", "marts.sales"),
        ('cron: "0 6 * * *"\nrun: daily\n', errors.WrongType, ":2:6", "[daily]"),
        ('cron: "0 6 * * *"\nscript: marts.odl\n', errors.UnknownReference, ":2:9", "marts.old"),
        ('cron: "0 6 * * *"\nscript: marts.sales\n', errors.BadValue, ":2:9", "run: [marts.sales+]"),
        ('cron: "0 6 * * *"\nrun: [daily]\nscript: marts.old\n', errors.BadValue, ":3:9", "one"),
    ],
)
def test_what_a_schedule_cannot_mean_is_refused_at_its_place(
    text: str, kind: type[StartrailError], place: str, hint: str, tmp_path: Path
) -> None:
    (found,) = problems_of(tmp_path, {**SCRIPT, NAME: text})
    assert isinstance(found, kind), found
    assert str(found.at) == NAME + place
    assert hint in (found.hint or "")
    assert found.affects == "schedule morning"

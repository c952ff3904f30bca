"""Scripts of cron jobs, taken in as they are."""

import pytest

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.capabilities.schedules.adopt import Adopted, adopt
from startrail.model.project import Project
from startrail.model.source import FolderFeed, Source

ORDERS = Source("orders", FolderFeed("inbox"), Span(""), into="raw.orders")
SHOP = Project("shop", "", {}, {"orders": ORDERS}, {}, {}, {}, {})
SCRIPT = b"-- six o'clock\r\ncreate or replace table marts.today as select 1 as n from raw.orders;\r\n\n"


def taken(data: bytes = SCRIPT, file: str = "Daily Report.sql", cron: str = "0 6 * * *", **more: object) -> Adopted:
    return adopt(data, file, SHOP, **{"cron": cron, "timezone": "Europe/Madrid"} | more)  # pyrefly: ignore


def test_the_script_stands_byte_for_byte_below_the_header() -> None:
    found = taken()
    text = found.files["models/scripts/daily_report.sql"]
    assert text.endswith(SCRIPT)
    assert text.removesuffix(SCRIPT) == b"/* startrail\nkind: script\n*/\n"


def test_the_schedule_runs_that_script() -> None:
    assert taken(cron="0  6 * *\t*").files["schedules/daily_report.yml"] == (
        b'cron: "0 6 * * *"\ntimezone: Europe/Madrid\nscript: scripts.daily_report\n'
    )


def test_it_says_what_is_read_and_written() -> None:
    found = taken()
    assert found.reads == {"raw.orders": "loaded by source orders"}
    assert found.writes == {"marts.today": "made anew"}
    assert found.unknown == ()


def test_it_says_what_it_could_not_infer() -> None:
    (told,) = taken(b"create temp table t as select 1; select * from t;").unknown
    assert told.startswith("what it leaves")
    told, *_ = taken(b"create table marts.x as select * from raw.gone").unknown
    assert told.startswith("where raw.gone comes from")
    told, *_ = taken(b"insert into marts.log select 1 from raw.orders").unknown
    assert told.startswith("the rows that marts.log begins with")


def test_what_the_parser_cannot_see_is_declared() -> None:
    found = taken(b"select 1", reads=("raw.orders",), writes=("marts.x",))
    header = found.files["models/scripts/daily_report.sql"].decode()
    assert header.startswith("/* startrail\nkind: script\nreads: [raw.orders]\nwrites: [marts.x]\n*/\n")
    assert found.unknown == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cron": "61 6 * * *"}, "ST850"),
        ({"cron": "0 6 * *"}, "ST850"),
        ({"timezone": "Madrid"}, "ST850"),
        ({"data": b""}, "ST852"),
        ({"data": b"select '\xff'"}, "ST852"),
        ({"data": b"\xef\xbb\xbfselect 1"}, "ST852"),
        ({"data": b"/* startrail\nkind: view\n*/ select 1"}, "ST852"),
        ({"data": b"create table raw.orders as select 1"}, "ST852"),
        ({"file": "2026.sql"}, "ST852"),
        ({"name": "marts"}, "ST852"),
        ({"data": b"selec 1 fro"}, "ST4"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(StartrailError) as error:
        taken(**change)  # pyrefly: ignore
    assert error.value.code.startswith(code)
    assert error.value.hint

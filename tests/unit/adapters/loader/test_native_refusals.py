"""Which fields of a refused record are doubtful: the judge looks at no others."""

from __future__ import annotations

import json
from contextlib import closing

from tests.fixtures.loading import contract, field
from tests.fixtures.readers import needs_native

from startrail.adapters.loader.blocks import Block
from startrail.adapters.loader.native.batch import Batch
from startrail.adapters.loader.native.library import choose
from startrail.adapters.loader.native.lines import lines_of
from startrail.adapters.loader.native.plan import NativePlan, csv_plan, native_plan
from startrail.adapters.loader.native.stream import NativeReader
from startrail.model.contract import Contract, Format
from startrail.model.source import Dialect

pytestmark = needs_native

ORDERS = contract(
    field("id", "long", required=True),
    field("status", "string", enum=("paid", "sent"), required=True),
    field("total", "decimal(10,2)", minimum="0"),
    field("code", "string", pattern="^[a-z]+$"),
    field("fee", "int", default="1"),
    field("who", "struct<city: string>"),
    field("older", "string", aliases=("former",)),
    key=("id",),
)
NAMES = [each.name for each in ORDERS.fields]


def batches(plan: NativePlan, data: bytes) -> list[Batch]:
    library = choose().library
    with closing(NativeReader(library, plan, 1)) as reader:
        found = [batch for _, each in reader.batches(lines_of(iter([Block(data)]))) for batch in each]
    for batch in found:
        library.startrail_forget(batch.handle)
    return found


def doubts(data: str | bytes, promised: Contract = ORDERS, *, closed: bool = False) -> list[tuple[list[str], object] | None]:
    """Of each refused record: the doubtful fields and what is there of them, or None for one that is not taken apart."""
    plan = native_plan(promised, closed=closed)
    assert plan is not None
    lines = data if isinstance(data, bytes) else data.encode()
    names = [each.name for each in promised.fields]
    refused = [one for batch in batches(plan, lines + b"\n") for one in batch.refused]
    return [
        None if one.doubtful is None else ([names[place] for place in one.doubtful], json.loads(one.members)) for one in refused
    ]


def test_a_wrong_value_is_doubtful_and_what_is_fine_is_not() -> None:
    (found,) = doubts('{"id":1,"status":"lost","total":"-1","fee":2,"who":{"city":"A"},"older":null}')
    assert found == (["status", "total"], {"status": "lost", "total": "-1"})


def test_a_required_field_that_is_not_there_is_doubtful_without_a_value() -> None:
    (found,) = doubts('{"id":1,"fee":2}')
    assert found == (["status"], {})


def test_a_default_that_is_taken_is_told_by_the_judge() -> None:
    (found,) = doubts('{"id":1,"status":"lost"}')
    assert found == (["status", "fee"], {"status": "lost"})


def test_a_field_of_which_sql_looks_at_more_is_always_doubtful() -> None:
    (found,) = doubts('{"id":1,"status":null,"code":"ab","fee":1}')
    assert found == (["status", "code"], {"status": None, "code": "ab"})


def test_undeclared_fields_are_told_along() -> None:
    (found,) = doubts('{"new":{"x":[1]},"id":"x","status":"paid","fee":1,"b":2}')
    assert found == (["id"], {"id": "x", "new": {"x": [1]}, "b": 2})
    assert doubts('{"new":1,"id":1,"status":"paid","fee":1}', closed=True) == [([], {"new": 1})]


def test_an_undeclared_field_inside_an_object_makes_the_object_doubtful() -> None:
    (found,) = doubts('{"id":1,"status":"lost","fee":1,"who":{"city":"A","zip":1}}')
    assert found == (["status", "who"], {"status": "lost", "who": {"city": "A", "zip": 1}})


def test_what_may_not_be_json_or_mean_something_else_is_judged_as_a_whole() -> None:
    lines = (
        '{"id":1,"status":"lost","status":"paid"}',
        '{"id":1,"status":"lost","new":{"x":1,"x":2}}',
        '{"id":1,"status":"lost","new":1,"new":2}',
        '{"id":1,"status":"lost"',
        '{"id":1,"status":"lost"} 7',
        '{"id":1,"status":"lost","total":01}',
        '{"id":1,"status":"\\ud83d"}',
        '{"id":1,"status":"\\udc00\\ud83d"}',
        '{"id":1,"status":"lost","new":"\\u0000"}',
        '{"id":1,"status":"lost","ID":2}',
        '{"id":1,"status":"lost","former":"x"}',
        '{"id":1,"status":"lost","n\\u0065w":2}',
        '{"id":1,"status":"lost","año":2}',
        '{"id":1,"status":"lost","older":"%s"}' % ("x" * 70_000),
        "[]",
    )
    assert doubts("\n".join(lines)) == [None] * len(lines)
    assert doubts(b'{"id":1,"status":"lost","older":"\xff"}') == [None]


def test_a_declared_name_with_escapes_is_that_name() -> None:
    (found,) = doubts('{"\\u0069d":"x","status":"paid","fee":1}')
    assert found == (["id"], {"id": "x"})


def test_escapes_in_a_doubtful_value_are_left_as_they_are() -> None:
    (found,) = doubts('{"id":1,"status":"\\u006cost\\ud83d\\ude42","fee":1,"new":"\\u00e9\\n"}')
    assert found == (["status"], {"status": "lost🙂", "new": "é\n"})


def test_spaces_between_tokens_change_nothing() -> None:
    (found,) = doubts(' { "id" : 1 ,\t"status" : "lost" , "fee":1 } \r')
    assert found == (["status"], {"status": "lost"})


ROWS = contract(
    field("id", "long", required=True),
    field("status", "string", enum=("paid", 'a"b'), required=True),
    field("total", "decimal(10,2)"),
    field("day", "date", format=Format(pattern="%d/%m/%Y")),
    key=("id",),
)


def rows(text: str, names: tuple[str, ...] = ("day", "new", "id", "status", "total")) -> list[tuple[list[str], object] | None]:
    plan = csv_plan(ROWS, names, Dialect(null_words=("", "NULL")), {})
    assert plan is not None
    refused = [one for batch in batches(plan, text.encode()) for one in batch.refused]
    numbers = [each.name for each in ROWS.fields]
    return [
        None if one.doubtful is None else ([numbers[place] for place in one.doubtful], json.loads(one.members)) for one in refused
    ]


def test_a_cell_that_is_not_fine_is_told_as_its_text() -> None:
    found = rows('03/10/2026,x,7,"lo""st",1.5\n,,x,a"b,NULL\n,"a,b",NULL,paid,"1,5"\r\n')
    assert found == [
        (["status", "day"], {"status": 'lo"st', "day": "03/10/2026"}),
        None,
        (["id", "total", "day"], {"id": "NULL", "total": "1,5", "day": ""}),
    ]


def test_a_row_of_another_width_is_judged_as_a_whole() -> None:
    assert rows(",x,7,lost\n,x,7,lost,1,2\n") == [None, None]


def test_each_refused_row_says_behind_how_many_lines_it_stands() -> None:
    plan = csv_plan(ROWS, ("id", "status", "total", "day"), Dialect(), {})
    assert plan is not None
    found = batches(plan, b"1,paid,,\n\n2,lost,,\n\r\n" + b"3,paid,,\n" * 40_000 + b"x,paid,,\n")
    assert len(found) > 1, "numbers go on from one batch to the next"
    assert [one.line for batch in found for one in batch.refused] == [2, 40_004]

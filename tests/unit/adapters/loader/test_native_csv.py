"""CSV for the native reader: which lines are certain, what each column becomes, which keys are watched."""

from __future__ import annotations

import csv
import io
from ctypes import c_char_p, c_void_p, cast

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field, numbered
from tests.fixtures.readers import needs_native

from startrail.adapters.loader.native.csv import NativeCsv, Pieces, csv_lines
from startrail.adapters.loader.native.library import certain_lines, choose
from startrail.adapters.loader.native.plan import KINDS, NativePlan, csv_plan, watched
from startrail.capabilities.contracts.load import raw_schema
from startrail.model.contract import Contract, Field, Format
from startrail.model.source import Dialect

DIALECT = Dialect(null_words=("", "NULL"))


def plan(*fields: Field, names: tuple[str, ...] = (), key: tuple[str, ...] = ()) -> NativePlan:
    made = csv_plan(contract(*fields, key=key), names or tuple(each.name for each in fields), DIALECT, {})
    assert made is not None
    return made


def certain(text: bytes, quote: bytes = b'"') -> tuple[int, int, int]:
    found = certain_lines(choose().library, cast(c_char_p(text), c_void_p).value or 0, len(text), b",", quote)
    return found.bytes, found.lines, found.records


@needs_native
def test_lines_are_certain_up_to_a_quote_that_stays_open() -> None:
    assert certain(b'a,b\n"x,""y""",2\r\n\r\n\n"p\nq",3\n1,2\n') == (20, 4, 2)


@needs_native
def test_a_quote_within_a_value_and_a_lone_carriage_return_and_nul_are_not_certain() -> None:
    for odd in (b'a"b,1\n', b'a"b,"\n', b'"a"b,1\n', b'"a" ,1\n', b"a\rb,1\n", b'"a\rb",1\n', b"a\0b,1\n", b'"a\0",1\n', b'"\n'):
        assert certain(b"1,2\n" + odd) == (4, 1, 1), odd


@needs_native
@given(st.text(alphabet='ab,"\n\r x', max_size=60).map(lambda text: (text + "\n").encode()))
def test_what_is_certain_is_what_the_strict_reader_finds_line_by_line(data: bytes) -> None:
    size, lines, records = certain(data)
    text = data[:size].decode()
    assert text.count("\n") == lines
    whole = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    single = [row for line in text.split("\n")[:-1] if line not in ("", "\r") for row in csv.reader([line], strict=True)]
    assert whole == single
    assert len(whole) == records


@needs_native
def test_what_the_library_refuses_is_found_again_with_its_line() -> None:
    promised = contract(field("a", "int"), field("b", "string"))
    data = b"a,b\n" + b"1,x\n" * 600 + b'\n7,"y ""z"""\r\n1,2,3\n"p\nq",4\n8,e\n'
    blocks = list(NativeCsv(io.BytesIO(data), promised, Dialect(), choose().library).blocks())
    first, block = blocks
    assert isinstance(first, Pieces)
    assert isinstance(block, Pieces)
    assert (first.count, block.count) == (512, 92)
    records = block.sequence()
    assert [each.raw for each in records[88:]] == [b'7,"y ""z"""', b"1,2,3", b'"p\nq",4', b"8,e"]
    assert records[88].line == b'{"a":"7","b":"y \\"z\\""}'
    broken = records[89].broken
    assert broken is not None
    assert broken.got == "line 604: 3 columns"
    assert [each.raw for each in block.records()] == [each.raw for each in records]
    assert len(list(csv_lines(iter(blocks)))) == 2


def test_text_is_converted_by_the_library_where_the_format_allows_it() -> None:
    kinds = ("boolean", "int", "long", "float", "double", "string", "date", "time", "timestamp", "timestamptz", "uuid")
    made = plan(*(field(kind, kind) for kind in kinds), field("decimal", "decimal(10,2)"))
    assert [KINDS[part.kind] for part in made.fields] == [*kinds, "decimal"]
    assert {part.nulls for part in made.fields} == {("", "NULL")}
    assert made.fields[0].yes == ("true",)
    assert all(found.fine is None for found in made.conversions)


def test_patterns_commas_base64_and_nested_values_are_left_to_sql() -> None:
    made = plan(
        field("day", "date", format=Format(pattern="%d/%m/%Y", null_words=("?",))),
        field("price", "double", format=Format(decimal_separator=",")),
        field("bytes", "binary"),
        field("items", "list<int>"),
    )
    assert {KINDS[part.kind] for part in made.fields} == {"string"}
    assert all(found.fine for found in made.conversions)
    assert made.fields[0].nulls == ("?",)


def test_columns_go_by_name_and_others_are_kept_under_theirs() -> None:
    made = plan(field("a", "int"), field("b", "int"), names=("b", 'new "one"'))
    assert made.csv is not None
    assert [(one.place, one.key) for one in made.csv.columns] == [(1, '"b":'), (-1, '"new \\"one\\"":')]


def keys(promised: Contract, *wanted: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    made = csv_plan(promised, tuple(each.name for each in promised.fields), DIALECT, {})
    assert made is not None
    return watched(made, promised, list(wanted), numbered(raw_schema(promised))).keys


def test_keys_are_watched_where_equal_values_have_equal_bytes() -> None:
    promised = contract(
        field("id", "long"), field("price", "decimal(10,2)"), field("x", "double"),
        field("day", "date", format=Format(pattern="%d/%m/%Y")), field("word", "string"),
    )  # fmt: skip
    assert keys(promised, ("id",), ("price", "word")) == ((0,), (1, 4))
    for other in (("x",), ("id", "day")):
        assert keys(promised, ("id",), other) == ()
    assert keys(promised, ("id",), ("price",), ("word",)) == ()

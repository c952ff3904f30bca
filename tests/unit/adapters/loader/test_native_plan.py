"""What of a contract the native reader does itself, and what is left to SQL."""

from __future__ import annotations

from tests.fixtures.loading import contract, field

from startrail.adapters.loader.native.plan import KINDS, NativePlan, Part, native_plan
from startrail.model.contract import Contract, Field, Format


def plan(*fields: Field, key: tuple[str, ...] = ()) -> NativePlan:
    made = native_plan(contract(*fields, key=key), closed=False)
    assert made is not None
    return made


def only(declared: Field) -> tuple[str, Part, str | None]:
    """Kind, part and condition of a single field."""
    made = plan(declared)
    return KINDS[made.fields[0].kind], made.fields[0], made.conversions[0].fine


def test_plain_types_need_no_sql() -> None:
    for kind in ("boolean", "int", "long", "float", "double", "string", "date", "time", "timestamp", "timestamptz", "uuid"):
        assert (only(field("a", kind))[0], only(field("a", kind))[2]) == (kind, None)


def test_limits_of_whole_numbers_decimals_and_texts_are_looked_at_by_the_reader() -> None:
    assert only(field("a", "int", minimum="1"))[1].low == "1"
    _, part, fine = only(field("a", "decimal(10,2)", minimum="-0.5", maximum="99.50"))
    assert (part.low, part.high, fine) == ("-50", "9950", None)
    assert only(field("a", "string", enum=("x", "y"), max_length=3))[1].words == ("x", "y")


def test_a_limit_that_is_no_number_of_the_last_digit_is_left_to_sql() -> None:
    _, part, fine = only(field("a", "decimal(10,2)", minimum="0.001"))
    assert part.low is None
    assert fine is not None
    assert "0.001" in fine


def test_a_pattern_and_the_limits_of_other_types_are_left_to_sql() -> None:
    assert "regexp_matches" in str(only(field("a", "string", pattern="^x"))[2])
    assert ">=" in str(only(field("a", "date", minimum="2026-01-01"))[2])


def test_a_field_with_a_format_is_handed_over_as_text() -> None:
    assert only(field("a", "date", format=Format(pattern="%d/%m/%Y")))[0] == "string"
    assert only(field("a", "decimal(10,2)", format=Format(decimal_separator=",")))[0] == "string"
    assert only(field("a", "binary"))[0] == "string"


def test_one_part_that_sql_must_convert_makes_the_whole_field_stand_as_it_is() -> None:
    kind, part, fine = only(field("a", "struct<n: int, b: binary, at: timestamptz>"))
    assert kind == "struct"
    assert [KINDS[inner.kind] for inner in part.parts] == ["long", "string", "timestamptz_text"]
    assert fine is not None


def test_a_null_word_in_a_required_field_is_for_the_judge() -> None:
    fine = only(field("a", "string", required=True, format=Format(null_words=("N/A",))))[2]
    assert fine is not None
    assert "IS NOT NULL" in fine


def test_a_key_is_required() -> None:
    assert plan(field("a", "long"), key=("a",)).fields[0].required


def test_names_that_could_mean_a_declared_field_are_spoken() -> None:
    assert plan(field("Order_Id", "long", aliases=("Former",))).spoken == ("former", "order_id")


def test_a_name_that_is_no_plain_text_is_left_to_the_other_reader() -> None:
    for promised in (contract(field("a\0b", "int")), contract(field("a", "int", aliases=("\x01",)))):
        assert native_plan(promised, closed=False) is None


def test_the_plan_is_encoded_with_its_fields_names_and_whether_it_is_closed() -> None:
    promised: Contract = contract(field("a", "int"))
    closed = native_plan(promised, closed=True)
    assert closed is not None
    assert b'"closed":true' in closed.encoded()

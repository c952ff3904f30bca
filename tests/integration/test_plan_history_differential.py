"""Reading only the fields whose promises changed must say what reading everything says: that is what allows it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field
from tests.fixtures.rehearsing import Rehearsals, without_samples

from startrail.model.contract import Contract, Field, Format
from startrail.model.drift import DriftPolicy, Reaction
from startrail.model.types import parse_type
from startrail.ports.rehearsal import Look

LOOK = Look("2026-10-03", "day", ("channel", "gift"), ("spent", "visits"))
FIELDS = {
    "id": field("id", "long", required=True),
    "day": field("day", "date"),
    "channel": field("channel", "string", enum=("web", "shop", "app")),
    "gift": field("gift", "boolean"),
    "spent": field("spent", "decimal(10,2)", minimum="0"),
    "visits": field("visits", "int"),
    "phone": field("phone", "string"),
    "at": field("at", "timestamptz"),
    "code": field("code", "uuid"),
    "inner": field("inner", "struct<a: int>"),
}
VALUES: dict[str, tuple[str, ...]] = {
    "id": ("1", "2", "3", "4", "5", "6", "7", "8", "9"),
    "day": ('"2026-10-03"', '"2026-10-04"', '"2026-02-30"', "null", '"03/10/2026"', '"2026-10-31"'),
    "channel": ('"web"', '"shop"', '"app"', '"fax"', "null", "7"),
    "gift": ("true", "false", "null", '"true"', '"yes"'),
    "spent": ('"1.50"', "2.5", "0", '"-1"', "1e1", '"1.505"', "100000000", '"N/A"', "null", "-0.0", '"12.30"'),
    "visits": ("1", "0", "-3", "7.0", "7.5", '"8"', "2147483648", "null", "true"),
    "phone": ('"1"', '"+34 600"', '""', "null", "6", '"a\\u0000b"', '"\\ud800"', '"x\\"y"', '"é"', "[]", '"N/A"'),
    "at": ('"2026-10-03T14:05:00Z"', '"2026-10-03T14:05:00"', '"2026-10-03T14:05:00.1234567Z"', "null", '"2026-10-31T00:00+02"'),
    "code": ('"123e4567-e89b-12d3-a456-426614174000"', '"x"', "null"),
    "inner": ('{"a":1}', '{"a":"x"}', '{"a":1,"b":2}', "null"),
    "email": ('"a@b"', "null", "3"),
    "Phone": ('"2"', "null"),
    "PHONE": ('"3"',),
    "tel": ('"4"',),
    "new": ("1", '"Phone"', "null"),
}  # fmt: skip
USUAL = ("id", "day", "channel", "gift", "spent", "visits", "phone", "at", "code", "inner", "email", "new")
CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("phone", {"required": True}),
    ("phone", {"required": True, "min_length": 1}),
    ("phone", {"min_length": 2, "max_length": 4}),
    ("phone", {"pattern": "^[0-9+]"}),
    ("phone", {"type": "long"}),
    ("phone", {"required": True, "format": Format(null_words=("N/A", ""))}),
    ("phone", {"aliases": ("tel",)}),
    ("phone", {"enum": ("1", "é")}),
    ("channel", {"enum": ("web", "shop")}),
    ("channel", {"enum": ("web", "shop", "app", "fax")}),
    ("channel", {"enum": None}),
    ("channel", {"required": True}),
    ("spent", {"minimum": None}),
    ("spent", {"minimum": "1.5", "required": True}),
    ("spent", {"type": "decimal(10,3)"}),
    ("spent", {"type": "double"}),
    ("visits", {"minimum": "0", "maximum": "5"}),
    ("visits", {"type": "long"}),
    ("visits", {"type": "string"}),
    ("gift", {"required": True}),
    ("gift", {"format": Format(true_words=("yes", "true"))}),
    ("day", {"required": True}),
    ("day", {"maximum": "2026-10-03"}),
    ("day", {"format": Format(pattern="%d/%m/%Y")}),
    ("at", {"required": True}),
    ("at", {"type": "timestamp"}),
    ("code", {"required": True}),
    ("code", {"type": "string"}),
    ("inner", {"required": True}),
    ("id", {"unique": True}),
    ("email", {"type": "string", "required": True}),
    ("email", {"type": "string"}),
    ("day", {"gone": True}),
    ("phone", {"default": "none"}),
    ("visits", {"default": "0"}),
    ("channel", {"enum_open": True}),
)
POLICIES = (
    *(DriftPolicy() for _ in range(8)),
    DriftPolicy(preset="strict"),
    DriftPolicy(preset="mirror"),
    DriftPolicy(preset="observe"),
    DriftPolicy(null_in_required=Reaction("quarantine", "20%"), new_field=Reaction("keep", "30%")),
    DriftPolicy(new_field="quarantine"),
)


def changed(fields: dict[str, Field], name: str, more: dict[str, Any]) -> dict[str, Field]:
    if "gone" in more or (name not in fields and "type" not in more):
        return {key: each for key, each in fields.items() if key != name}
    more = {**more, "type": parse_type(more["type"])} if "type" in more else more
    before = fields.get(name)
    after = Field(name, **more) if before is None else msgspec.structs.replace(before, **more)
    return {**fields, name: after}


@st.composite
def contracts(draw: st.DrawFn) -> tuple[Contract, Contract]:
    key = draw(st.sampled_from(((), (), ("id",))))
    old = FIELDS
    if draw(st.integers(0, 3)) == 3:
        old = changed(old, *draw(st.sampled_from(CHANGES)))
    new = old
    for name, more in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2)):
        new = changed(new, name, more)
    closed = draw(st.integers(0, 9)) == 9
    promised = (contract(*fields.values(), key=key) for fields in (old, new))
    first, second = (msgspec.structs.replace(each, closed=closed) for each in promised)
    return first, second


@st.composite
def record(draw: st.DrawFn, base: dict[str, str]) -> bytes:
    members = dict(base)
    names = sorted(VALUES) if draw(st.integers(0, 30)) == 30 else USUAL
    for name in draw(st.lists(st.sampled_from(names), max_size=2)):
        members[name] = draw(st.sampled_from(VALUES[name]))
    for name in draw(st.lists(st.sampled_from(USUAL[1:]), max_size=1)):
        members.pop(name, None)
    text = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in members.items()) + "}"
    return text.encode(errors="surrogatepass")


@st.composite
def deliveries(draw: st.DrawFn) -> bytes:
    base = {name: VALUES[name][0] for name in FIELDS}
    for name in draw(st.lists(st.sampled_from(("phone", "phone", "email", "spent")), max_size=2)):
        if not base.pop(name, None):
            base[name] = VALUES[name][0]
    odd = st.sampled_from((b"", b"  ", b"garbage", b'{"id":1}{"id":2}', b'{"phone":"\xff"}', b'{"phone":1,"phone":2}', b"[]"))
    lines = draw(st.lists(record(base), min_size=4, max_size=25))
    lines += draw(st.lists(odd, max_size=1))
    numbered = [line.replace(b'"id": 1,', b'"id": %d,' % (index + 100)) for index, line in enumerate(lines)]
    return b"\n".join(lines if draw(st.integers(0, 9)) == 9 else numbered) + draw(st.sampled_from((b"\n", b"")))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(contracts(), deliveries(), st.sampled_from(POLICIES), st.sampled_from((None, "30%")))
def test_reading_some_fields_says_what_reading_everything_says(
    pair: tuple[Contract, Contract], data: bytes, drift: DriftPolicy, hold_above: str | None
) -> None:
    old, new = pair
    with tempfile.TemporaryDirectory() as folder:
        made = Rehearsals(Path(folder), data, old, look=LOOK, drift=drift, hold_above=hold_above)
        assert without_samples(made.under(new)) == without_samples(made.under(new, full=True))


CUSTOMERS = contract(*(FIELDS[name] for name in ("id", "day", "channel", "spent", "phone")), key=("id",))


def customers(count: int, phone: str = ', "phone": "6"', **more: bytes) -> bytes:
    lines = [
        f'{{"id": {n}, "day": "2026-10-0{n % 3 + 1}", "channel": "web", "spent": "1.50"{phone if n % 4 else ""}}}'.encode()
        for n in range(1, count + 1)
    ]
    return b"\n".join(more.get(f"line_{n}", line) for n, line in enumerate(lines, 1)) + b"\n"


STRICTER = contract(*changed({f.name: f for f in CUSTOMERS.fields}, "phone", {"required": True}).values(), key=("id",))


def test_the_quick_way_is_really_taken(tmp_path: Path) -> None:
    """Otherwise nothing here would compare anything."""
    made = Rehearsals(tmp_path, customers(400), CUSTOMERS, look=LOOK)
    found = made.under(STRICTER)
    assert found.part
    assert (found.after.loaded, found.after.quarantined, found.compared.refused) == (300, 100, 100)
    assert without_samples(found) == without_samples(made.under(STRICTER, full=True))


@pytest.mark.parametrize(
    ("name", "more", "refused"),
    [
        ("channel", {"enum": ("shop",)}, 400),
        ("spent", {"minimum": "1.51"}, 400),
        ("day", {"maximum": "2026-10-02"}, 133),
        ("phone", {"required": True, "pattern": "[0-5]"}, 400),
    ],
)
def test_a_promise_that_the_quick_way_cannot_judge_is_judged_value_by_value(
    name: str, more: dict[str, Any], refused: int, tmp_path: Path
) -> None:
    stricter = contract(*changed({f.name: f for f in CUSTOMERS.fields}, name, more).values(), key=("id",))
    made = Rehearsals(tmp_path, customers(400), CUSTOMERS, look=LOOK)
    found = made.under(stricter)
    assert found.part
    assert found.compared.refused == refused
    assert without_samples(found) == without_samples(made.under(stricter, full=True))


@pytest.mark.parametrize("phone", ["", ', "phone": null'])
def test_a_field_that_no_record_has_holds_the_delivery(phone: str, tmp_path: Path) -> None:
    made = Rehearsals(tmp_path, customers(8, phone), CUSTOMERS, look=LOOK)
    found = made.under(STRICTER)
    assert found.part
    assert found.held_after is not None
    assert found.missing == ("phone",)
    assert without_samples(found) == without_samples(made.under(STRICTER, full=True))


@pytest.mark.parametrize(
    "line",
    [b'{"id": 4, "PHONE": "6"}', b'{"id": 4, "ph\\u006fne": "6"}', b'{"id": 4, "phone": "6"}{"id": 9, "phone": "7"}'],
)
def test_what_some_fields_do_not_say_is_read_as_a_whole(line: bytes, tmp_path: Path) -> None:
    made = Rehearsals(tmp_path, customers(12, line_4=line), CUSTOMERS, look=LOOK)
    assert without_samples(made.under(STRICTER)) == without_samples(made.under(STRICTER, full=True))


WITHOUT_PHONE = contract(*(f for f in CUSTOMERS.fields if f.name != "phone"))


@pytest.mark.parametrize("name", ["PHONE", "PH\\u004fNE", "tel", "phone"])
def test_a_new_field_that_the_data_have_under_another_name_is_found(name: str, tmp_path: Path) -> None:
    new = contract(*WITHOUT_PHONE.fields, field("phone", "string", required=True, aliases=("tel",)))
    line = f'{{"id": 4, "{name}": "6"}}'.encode()
    made = Rehearsals(tmp_path, customers(12, "", line_4=line), WITHOUT_PHONE, look=LOOK)
    assert made.job(new, full=False).part is not None
    found = made.under(new)
    assert found.after.rows_in - found.compared.refused == 1
    assert without_samples(found) == without_samples(made.under(new, full=True))


def test_a_row_that_was_refused_before_is_not_refused_anew(tmp_path: Path) -> None:
    made = Rehearsals(tmp_path, customers(12, line_5=b'{"id": 5, "day": "x"}'), CUSTOMERS, look=LOOK)
    found = made.under(STRICTER)
    assert found.part
    assert (found.before.quarantined, found.compared.refused, found.after.quarantined) == (1, 3, 4)
    assert without_samples(found) == without_samples(made.under(STRICTER, full=True))


def test_a_looser_contract_says_which_rows_come_in(tmp_path: Path) -> None:
    fax = b'{"id": 4, "day": "2026-10-02", "channel": "fax", "spent": "7.25", "phone": "1"}'
    made = Rehearsals(tmp_path, customers(12, line_4=fax), contract(*CUSTOMERS.fields), look=LOOK)
    looser = contract(*changed({f.name: f for f in CUSTOMERS.fields}, "channel", {"enum": ("web", "fax")}).values())
    found = made.under(looser)
    assert found.part
    assert found.compared.let_in == 1
    assert [(s.column, s.day, s.let_in) for s in found.compared.sums if s.let_in != "0"] == [("spent", "2026-10-02", "7.25")]
    assert without_samples(found) == without_samples(made.under(looser, full=True))

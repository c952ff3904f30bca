"""The drift panel: every kind of drift in every format it can occur in. Each is seen, reacted to, and conserved, and no
value that reaches the table is another one than the producer meant."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pytest
from tests.fixtures.avro import in_avro
from tests.fixtures.loading import Loaded, contract, field, load_bytes

from startrail.capabilities.contracts.errors import DriftStopped
from startrail.capabilities.contracts.suspect import Past
from startrail.model.contract import Contract, Format
from startrail.model.drift import OCCURS, VERBS, DriftKind, DriftPolicy, DriftVerb, Reaction
from startrail.model.source import Dialect
from startrail.model.step import Dates

Row = dict[str, Any]
Rows = list[Row]

PROMISED = contract(
    field("id", "long"),
    field("amount", "decimal(10,2)", required=True),
    field("qty", "int", maximum="100"),
    field("day", "date"),
    field("due", "date", format=Format(pattern="%d/%m/%Y")),
    field("status", "string", enum=("new", "paid")),
    field("note", "string", max_length=12, pattern="^n"),
    key=("id",),
)
CLOSED = msgspec.structs.replace(PROMISED, closed=True)
DEFAULTED = msgspec.structs.replace(
    PROMISED, fields=tuple(msgspec.structs.replace(f, default="7") if f.name == "qty" else f for f in PROMISED.fields)
)
OPEN = msgspec.structs.replace(
    PROMISED, fields=tuple(msgspec.structs.replace(f, enum_open=True) if f.name == "status" else f for f in PROMISED.fields)
)
NESTED = contract(*PROMISED.fields, field("ship", "struct<city:string,floor:int>"), key=("id",))
TYPES = {
    "id": "BIGINT", "amount": "DECIMAL(10,2)", "qty": "INTEGER", "day": "DATE", "due": "VARCHAR", "status": "VARCHAR",
    "note": "VARCHAR", "ship": "STRUCT(city VARCHAR, floor INTEGER)",
}  # fmt: skip
COUNT = 20
ALL = ("csv", "ndjson", "json", "parquet", "avro")
TEXTS = ("csv", "ndjson", "json")
RECORDS = ("ndjson", "json", "parquet", "avro")


def rows(nested: bool = False) -> Rows:
    """What the producer means."""
    made: Rows = [
        {
            "id": n, "amount": f"{10 + n}.50", "qty": n + 5, "day": f"2026-03-{n:02d}", "due": f"{n:02d}/03/2026",
            "status": "paid" if n % 2 else "new", "note": f"note {n}",
        }
        for n in range(1, COUNT + 1)
    ]  # fmt: skip
    return [{**row, "ship": {"city": "Lugo", "floor": 2}} for row in made] if nested else made


def meant(row: Row) -> tuple[Any, ...]:
    d, m, y = map(int, row["due"].split("/"))
    return (
        row["id"],
        Decimal(row["amount"]),
        row["qty"],
        date.fromisoformat(row["day"]),
        date(y, m, d),
        row["status"],
        row["note"],
    )


LENGTHS = {"length(due)": 10.0, "length(status)": 4.0, "length(note)": 7.0}
HISTORY = tuple(
    Past(
        COUNT,
        {"amount": 21.0, "qty": 15.5} | LENGTHS,
        stream="orders.txt",
        dates={name: Dates(20_514.0, 20_523.0, 20_532.0, landed=20_540.0 + 5 * n) for name in ("day", "due")},
    )
    for n in range(6)
)


def encode(media: str, made: Rows, types: dict[str, str], root: Path, dialect: Dialect) -> bytes:
    names = list(dict.fromkeys(name for row in made for name in row)) or list(TYPES)[:-1]
    if media == "csv":
        text = io.StringIO()
        out = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\n")
        if dialect.header:
            out.writerow(names)
        out.writerows([row.get(name) for name in names] for row in made)
        return text.getvalue().encode()
    lines = "\n".join(json.dumps(row) for row in made)
    if media == "ndjson":
        return lines.encode() + b"\n"
    if media == "json":
        return json.dumps(made).encode()
    if media == "avro":
        return in_avro(made, {name: (TYPES | types).get(name, "VARCHAR") for name in names})
    (root / "in.ndjson").write_text(lines)
    kinds = {name: (TYPES | types).get(name, "VARCHAR") for name in names}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json('{root}/in.ndjson', columns={{{columns}}}, format='newline_delimited')) "
            f"TO '{root}/in.parquet' (FORMAT parquet)"
        )
    return (root / "in.parquet").read_bytes()


class Case(NamedTuple):
    """``rows`` changes what is sent, ``data`` the bytes; ``renames`` and so on need neither."""

    kind: DriftKind
    verb: DriftVerb
    formats: tuple[str, ...]
    rows: Callable[[Rows], Rows] = lambda made: made
    path: str = "$"
    types: dict[str, str] = {}
    data: Callable[[bytes], bytes] = lambda data: data
    dialect: Dialect = Dialect()
    label: str = ""
    nested: bool = False
    promised: Contract = PROMISED


def each(**changes: Any) -> Callable[[Rows], Rows]:
    """Every row with these values; a callable makes the new value from the row."""
    return lambda made: [row | {k: v(row) if callable(v) else v for k, v in changes.items()} for row in made]


def third(**changes: Any) -> Callable[[Rows], Rows]:
    return lambda made: [row | changes if row["id"] == 3 else row for row in made]


def without(name: str) -> Callable[[Rows], Rows]:
    return lambda made: [{k: v for k, v in row.items() if k != name} for row in made]


def named(old: str, new: str) -> Callable[[Rows], Rows]:
    return lambda made: [{new if k == old else k: v for k, v in row.items()} for row in made]


def swapped(a: str, b: str) -> Callable[[Rows], Rows]:
    return lambda made: [row | {a: row[b], b: row[a]} for row in made]


CASES = [
    Case("new_field", "keep", ALL, third(coupon="MAY"), "$.coupon"),
    Case("new_field", "keep", RECORDS, third(ship={"city": "Lugo", "floor": 2, "door": "a"}), "$.ship.door",
         {"ship": "STRUCT(city VARCHAR, floor INTEGER, door VARCHAR)"}, nested=True, label="nested"),
    Case("missing_optional", "accept", ALL, without("qty"), "$.qty"),
    Case("undeclared_field", "quarantine", ("ndjson", "json"), third(coupon="MAY"), "$.coupon", promised=CLOSED),
    Case("undeclared_field", "hold", ("csv", "parquet", "avro"), third(coupon="MAY"), "$.coupon", promised=CLOSED),
    Case("defaulted", "accept", ALL, without("qty"), "$.qty", promised=DEFAULTED),
    Case("new_value", "accept", ALL, third(status="lost"), "$.status", promised=OPEN),
    Case("missing_required", "hold", ALL, without("amount"), "$.amount"),
    Case("renamed", "hold", ALL, named("amount", "order_amount"), "$.amount", label="required"),
    Case("renamed", "hold", ALL, named("qty", "quantity"), "$.qty", label="optional"),
    Case("case_change", "accept", ALL, named("amount", "Amount"), "$.amount"),
    Case("null_in_required", "quarantine", ALL, third(amount=None), "$.amount"),
    Case("widened", "accept", ("parquet", "avro"), each(), "$.qty", {"qty": "BIGINT"}),
    Case("wrong_type", "quarantine", ALL, third(qty="many"), "$.qty", {"qty": "VARCHAR"}),
    Case("wrong_type", "quarantine", RECORDS, third(ship={"city": "Lugo", "floor": "two"}), "$.ship.floor",
         {"ship": "STRUCT(city VARCHAR, floor VARCHAR)"}, nested=True, label="nested"),
    Case("inexact", "quarantine", ALL, third(amount="13.505"), "$.amount", {"amount": "VARCHAR"}),
    Case("inexact", "quarantine", ALL, third(qty=8.5), "$.qty", {"qty": "DOUBLE"}, label="integer"),
    Case("wrong_format", "quarantine", ALL, third(day="2026-02-30"), "$.day", {"day": "VARCHAR"}),
    Case("date_order", "quarantine", ALL, third(due="03/25/2026"), "$.due"),
    Case("date_order", "hold", ALL, each(due=lambda r: "03/" + r["due"][:2] + "/2026"), "$.due", label="whole file"),
    Case("date_order", "hold", ALL, each(due=lambda r: f"03/{r['id'] % 12 + 1:02d}/2026"), "$.due", label="low days"),
    Case("date_order", "hold", TEXTS, each(day=lambda r: f"2026-{r['id'] % 12 + 1:02d}-03"), "$.day", label="ISO turned"),
    Case("decimal_comma", "hold", ALL, each(amount=lambda r: r["amount"].replace(".", ",")), "$.amount", {"amount": "VARCHAR"}),
    Case("unknown_value", "quarantine", ALL, third(status="lost"), "$.status"),
    Case("out_of_range", "quarantine", ALL, third(qty=101), "$.qty"),
    Case("wrong_length", "quarantine", ALL, third(note="n" * 13), "$.note"),
    Case("pattern_mismatch", "quarantine", ALL, third(note="x"), "$.note"),
    Case("duplicate_key", "quarantine", ALL, lambda made: [*made, made[2]], "$.id"),
    Case("duplicate_key", "quarantine", ("ndjson", "json"), data=lambda d: d.replace(b'"qty": 8', b'"qty": 8, "qty": 9', 1),
         label="key twice"),
    Case("malformed", "quarantine", ("csv",), data=lambda d: d.replace(b"13.50,8", b"13.50,8,8", 1)),
    Case("malformed", "quarantine", ("ndjson",), data=lambda d: d.replace(b'{"id": 3,', b'{"id": 3,,', 1)),
    Case("malformed", "quarantine", RECORDS, third(note="n\0"), "$.note", label="NUL"),
    Case("unit_shift", "hold", ALL, each(amount=lambda r: str(Decimal(r["amount"]) * 100)), "$.amount"),
    Case("column_order", "hold", ("csv",), swapped("amount", "day"), dialect=Dialect(header=False), label="other types"),
    Case("column_order", "hold", ("csv",), swapped("note", "status"), dialect=Dialect(header=False), label="texts"),
    Case("column_order", "hold", ("csv",), data=lambda d: b"id,amount,qty,day,due,status,note\n" + d,
         dialect=Dialect(header=False), label="a header"),
    Case("other_delimiter", "hold", ("csv",), data=lambda d: d.replace(b",", b";")),
    Case("other_delimiter", "hold", ("csv",), data=lambda d: d.replace(b",", b";"), label="no header",
         dialect=Dialect(header=False)),
    Case("other_encoding", "hold", ("csv",), each(note="n\xf1"), data=lambda d: d.decode().encode("latin-1"), label="latin-1"),
    Case("other_encoding", "hold", ("csv",), data=lambda d: d.decode().encode("utf-16"), label="utf-16"),
    Case("other_encoding", "hold", ("csv",), each(note="n\xf1"), dialect=Dialect(encoding="latin-1"), label="utf-8"),
    Case("other_encoding", "hold", ("ndjson", "json"), data=lambda d: d.decode().encode("utf-16"), label="utf-16"),
    Case("other_quote", "hold", ("csv",), each(note=lambda r: f"'{r['note']}'")),
    Case("truncated", "hold", ("json", "parquet", "avro"), data=lambda d: d[: len(d) * 3 // 4]),
    Case("truncated", "hold", ("csv",), data=lambda d: d[:-2], label="in a value"),
    Case("truncated", "hold", ("ndjson",), data=lambda d: d[:-5]),
    Case("truncated", "hold", ("csv+gzip", "ndjson+gzip"), data=lambda d: gzip.compress(d)[:-30]),
    Case("truncated", "hold", ALL, data=lambda d: d[:0], label="no byte"),
    Case("empty", "hold", ALL, lambda made: []),
    Case("far_smaller", "hold", ALL, lambda made: made[:3]),
]  # fmt: skip
PANEL = [(case, media) for case in CASES for media in case.formats]


def load(case: Case, media: str, root: Path, drift: DriftPolicy = DriftPolicy()) -> Loaded:
    made = case.rows(rows(case.nested))
    data = case.data(encode(media.removesuffix("+gzip"), made, case.types, root, case.dialect))
    promised = NESTED if case.nested else case.promised
    return load_bytes(root, data, promised, media, history=HISTORY, csv=case.dialect, drift=drift)


@pytest.mark.parametrize(("case", "media"), PANEL, ids=[f"{c.kind}-{c.label}-{m}".replace("--", "-") for c, m in PANEL])
def test_drift_is_seen_reacted_to_and_nothing_wrong_is_loaded(case: Case, media: str, tmp_path: Path) -> None:
    loaded = load(case, media, tmp_path)
    rows_in, in_table, aside, held = loaded.counts
    assert rows_in == in_table + aside + held
    found = {(finding.kind, finding.path): finding for finding in loaded.output.drift}
    assert (case.kind, case.path) in found, (loaded.held, found)
    assert found[case.kind, case.path].verb == case.verb or "every row" in (loaded.held or "")
    assert (loaded.held is not None) == (case.verb == "hold")
    truth = {row["id"]: meant(row) for row in rows()}
    names = "id, amount, qty, day, due, status, note"
    as_sent = case.kind not in ("missing_optional", "defaulted", "new_value")
    values = loaded.rows(names) if as_sent and not loaded.held else []
    assert [value for value in values if value != truth[value[0]]] == []
    expected = {"hold": 0, "quarantine": COUNT - (case.kind != "duplicate_key" or case.label != "")}
    assert in_table == expected.get(case.verb, COUNT)
    fate = f"{rows_in:>3} in = {in_table} loaded + {aside} quarantined + {held} held"
    sys.stdout.write(f"{case.kind:<17} {case.label:<12} {media:<12} {case.verb:<11} {fate}\n")


def test_the_panel_has_every_kind_there_is() -> None:
    assert {case.kind for case in CASES} | {"unreadable"} == set(VERBS)


def test_the_panel_has_every_kind_in_every_format_it_can_occur_in() -> None:
    shown = {(case.kind, media.removesuffix("+gzip")) for case, media in PANEL}
    known = {(kind, media) for kind, formats in OCCURS.items() for media in formats if media in ALL and kind != "unreadable"}
    assert known - shown == set()
    assert {(kind, media) for kind, media in shown if media in ALL} - known == set()


@pytest.mark.parametrize("media", ALL)
def test_a_delivery_as_promised_shows_nothing(media: str, tmp_path: Path) -> None:
    loaded = load(Case("new_field", "keep", ALL), media, tmp_path)
    assert loaded.output.drift == ()
    assert loaded.rows("id, amount, qty, day, due, status, note") == [meant(row) for row in rows()]
    assert loaded.output.medians == {"amount": 21.0, "qty": 15.5}


def test_a_handful_of_iso_dates_is_too_few_to_look_turned(tmp_path: Path) -> None:
    case = Case("date_order", "hold", TEXTS, lambda made: [{**row, "day": f"2026-{row['id']:02d}-03"} for row in made[:9]])
    loaded = load(case, "csv", tmp_path)
    assert loaded.held is None
    assert loaded.counts == (9, 9, 0, 0)


def policy(**verbs: Any) -> DriftPolicy:
    return DriftPolicy(**verbs)


@pytest.mark.parametrize("media", ALL)
def test_accept_lets_a_value_beyond_its_limits_in_and_tells_it(media: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.kind == "unknown_value")
    loaded = load(case, media, tmp_path, drift=policy(unknown_value="accept"))
    assert loaded.counts == (COUNT, COUNT, 0, 0)
    assert (3, "lost") in loaded.rows("id, status")
    assert [(f.kind, f.rows, f.verb) for f in loaded.output.drift] == [("unknown_value", 1, "accept")]


@pytest.mark.parametrize("media", ALL)
def test_keep_makes_an_optional_value_null_and_keeps_its_text(media: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.kind == "wrong_type")
    loaded = load(case, media, tmp_path, drift=policy(wrong_type="keep"))
    assert loaded.counts == (COUNT, COUNT, 0, 0)
    ((extra,),) = [row[2:] for row in loaded.rows("id, qty, _extra") if row[:2] == (3, None)]
    assert json.loads(extra) == {"qty": "many"}


def test_keep_of_a_required_value_sets_the_row_aside(tmp_path: Path) -> None:
    case = Case("wrong_type", "keep", ALL, third(amount="x"))
    assert load(case, "ndjson", tmp_path, drift=policy(wrong_type="keep")).counts == (COUNT, COUNT - 1, 1, 0)


@pytest.mark.parametrize("media", ["csv", "ndjson", "parquet"])
def test_quarantine_of_new_fields_sets_rows_aside(media: str, tmp_path: Path) -> None:
    loaded = load(CASES[0], media, tmp_path, drift=policy(new_field="quarantine"))
    if media == "ndjson":
        assert loaded.counts == (COUNT, COUNT - 1, 1, 0)
        assert loaded.rules() == {3: [("$.coupon", "new_field")]}
    else:
        assert loaded.held is not None  # a column stands in every row


def test_hold_and_its_threshold(tmp_path: Path) -> None:
    reaction = Reaction("quarantine", "4%")
    assert (
        load(CASES[0], "ndjson", tmp_path / "a", drift=policy(new_field="hold")).held
        == 'new_field at $.coupon in 1 row, such as "MAY"'
    )
    case = next(case for case in CASES if case.kind == "inexact")
    assert load(case, "csv", tmp_path / "b", drift=policy(inexact=reaction)).held is not None
    assert load(case, "csv", tmp_path / "c", drift=policy(inexact=Reaction("quarantine", "5%"))).held is None


def test_stop_fails_with_the_findings_and_loads_nothing(tmp_path: Path) -> None:
    with pytest.raises(DriftStopped, match=r"new_field at \$.coupon") as stopped:
        load(CASES[0], "ndjson", tmp_path, drift=policy(new_field="stop"))
    assert [finding.verb for finding in stopped.value.findings] == ["stop"]


def test_a_rename_is_told_with_the_alias_that_mends_it_and_the_alias_mends_it(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.kind == "renamed")
    for media in ALL:
        (tmp_path / media).mkdir()
        held = load(case, media, tmp_path / media).held or ""
        assert "amount may now be called order_amount" in held
        mended = contract(*(
            field("amount", "decimal(10,2)", required=True, aliases=("order_amount",)) if f.name == "amount" else f
            for f in PROMISED.fields
        ), key=("id",))  # fmt: skip
        data = encode(media, case.rows(rows()), {}, tmp_path / media, Dialect())
        loaded = load_bytes(tmp_path / media, data, mended, media, history=HISTORY)
        assert loaded.counts == (COUNT, COUNT, 0, 0)
        assert loaded.output.drift == ()


def test_a_date_where_a_timestamp_is_declared_is_its_midnight(tmp_path: Path) -> None:
    promised = contract(field("id", "long"), field("at", "timestamp"))
    data = encode("parquet", [{"id": 1, "at": "2026-03-04"}], {"at": "DATE"}, tmp_path, Dialect())
    loaded = load_bytes(tmp_path, data, promised, "parquet")
    assert loaded.rows('id, CAST("at" AS VARCHAR)') == [(1, "2026-03-04 00:00:00")]
    assert [(f.kind, f.path, f.verb) for f in loaded.output.drift] == [("widened", "$.at", "accept")]


def test_columns_that_changed_places_are_told_by_lengths_and_medians(tmp_path: Path) -> None:
    promised = contract(*(field(name, "string") for name in ("a", "b")), *(field(name, "long") for name in ("m", "n")))
    plain = Dialect(header=False)
    good = b"".join(f"{'x' * 3},{'y' * 30},{n},{n * 50}\n".encode() for n in range(10, 30))
    past = load_bytes(tmp_path / "good", good, promised, "csv", csv=plain)
    assert past.held is None
    history = Past.of([past.output] * 6)
    for index, order in enumerate([(1, 0, 2, 3), (0, 1, 3, 2)]):
        sent = [line.split(b",") for line in good.splitlines()]
        bad = b"".join(b",".join(row[at] for at in order) + b"\n" for row in sent)
        held = load_bytes(tmp_path / str(index), bad, promised, "csv", csv=plain, history=history).held
        assert "column_order" in (held or "")
    assert load_bytes(tmp_path / "again", good, promised, "csv", csv=plain, history=history).output.drift == ()


def test_columns_in_another_order_under_their_names_are_no_drift(tmp_path: Path) -> None:
    case = Case("new_field", "keep", ALL, lambda made: [dict(reversed(row.items())) for row in made])
    loaded = load(case, "csv", tmp_path)
    assert loaded.output.drift == ()
    assert loaded.rows("id, amount, qty, day, due, status, note") == [meant(row) for row in rows()]


def test_a_name_that_two_fields_could_mean_is_not_guessed(tmp_path: Path) -> None:
    data = b'{"id": 1, "AMOUNT": "1", "Amount": "2"}\n{"id": 2, "amount": "3", "Amount": "4"}\n{"id": 3, "Amount": "5"}\n'
    loaded = load_bytes(tmp_path, data, contract(field("id", "long"), field("amount", "decimal(10,2)")))
    assert loaded.rows("id, amount, _extra") == [
        (1, None, '{"AMOUNT":"1","Amount":"2"}'),
        (2, Decimal("3.00"), '{"Amount":"4"}'),
        (3, Decimal("5.00"), None),
    ]

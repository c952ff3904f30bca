"""Every query text of TPC-H and TPC-DS: is its lineage known, and is a gap between its numbers explained, or refused?

The texts are fetched (``tools/sqltexts.py``); without them these tests are skipped. The table is printed with ``-s``.
"""

from __future__ import annotations

import itertools
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from sqlglot import exp
from tests.fixtures.sqltexts import QueryText, schemas, tables, texts, tool
from tests.fixtures.warehouse import open_duckdb

from startrail.base.errors import ModelError, StartrailError
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.errors import NoGap
from startrail.capabilities.why.gap import Gap
from startrail.lineage.trace.script import trace
from startrail.model.metric import Metric
from startrail.model.table import Relation
from startrail.ports.warehouse import Query, Rowset, Warehouse
from startrail.wiring.why import gap_between, side
from startrail.wiring.why_texts import gap_of_texts, otherwise

COLUMNS = int(os.environ.get("SHAPES_COLUMNS", "1"))
"""Of each text and form, so many of its aggregates."""


class Row(NamedTuple):
    """What came of one number of one text. ``verdict``: by rows, by texts, no effect, no value, refused."""

    text: str
    form: str
    column: str
    verdict: str
    reason: str
    gap: Gap | None = None


@pytest.fixture(scope="module")
def folder() -> Path:
    fetch = tool()
    try:
        found: Path = fetch.folder()
    except fetch.NotFetched as reason:
        pytest.skip(str(reason))
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shapes")


@pytest.fixture(scope="module")
def warehouse(store: Path) -> Iterator[Warehouse]:
    opened = open_duckdb(store)
    yield opened
    opened.close()


def test_the_lineage_of_every_text_is_known(folder: Path) -> None:
    known = schemas(folder)
    missing = {
        text.name: traced.not_analysed for text in texts(folder) if (traced := trace(text.sql, "duckdb", known)).not_analysed
    }
    assert missing == {}


@pytest.mark.slow
@pytest.mark.timeout(1200)  # a hundred texts, each run twice, on a machine of any speed
def test_no_gap_between_numbers_of_the_texts_is_wrong(
    folder: Path, store: Path, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    known = schemas(folder)
    rows = [row for text in texts(folder) for row in _rows(text, known, store, warehouse)]
    with capsys.disabled():
        _print(rows)
    for row in rows:
        if row.gap is not None:
            assert row.gap.unexplained == 0, row
            assert sum((line.amount for line in row.gap.lines), Decimal(0)) == row.gap.gap, row
    counts = Counter(row.verdict for row in rows)
    assert counts["by rows"] + counts["by texts"] + counts["no effect"] > 2 * counts["refused"]
    assert counts["by rows"] >= 25
    assert {row.text for row in rows} == {text.name for text in texts(folder)}


def _rows(text: QueryText, known: dict[str, dict[str, str]], store: Path, warehouse: Warehouse) -> Iterator[Row]:
    for more in (1, 3):
        built = tuple(_built(each, f"{text.name} {more}", warehouse) for each in tables(text, known, more))
        numbers = list(_numbers(text.tree)) or list(_of_rows(text.tree, built, warehouse))
        if not numbers:
            yield Row(text.name, "", "", "refused", "it gives no number, or two columns of one name")
            return
        with _engine(built, store) as engine:
            if more == 1 and any(_value(one, engine) is None for _, _, one in numbers):
                continue  # conditions met by none of few rows may be met by one of more
            for form, column, one in numbers:
                tries = (_changed(one, random.Random(f"{text.name} {form} {column} {attempt}")) for attempt in range(4))
                two = next((each for each in tries if _value(each, engine) is not None), None)
                if two is None:
                    yield Row(text.name, form, column, "no value", "none of its changes has a value")
                    continue
                a, b = (tree.sql(dialect="duckdb") for tree in (one, two))
                yield _row(Row(text.name, form, column, "", ""), (a, b), built, engine, warehouse)
            return


def _value(tree: exp.Query, engine: duckdb.DuckDBPyConnection) -> object:
    """The number by the engine alone; None also where it fails."""
    try:
        row = engine.execute(tree.sql(dialect="duckdb")).fetchone()
    except duckdb.Error:
        return None
    return row[0] if row is not None else None


def _built(made: Rowset, folder: str, warehouse: Warehouse) -> Relation:
    where = f"{folder}/{made.name}"
    return Relation(
        made.name, made.schema, warehouse.build(Query(f"select * from {made.name}", (made,)), made.schema, where, "made", "all")
    )


def _row(
    empty: Row, sides: tuple[str, str], built: tuple[Relation, ...], engine: duckdb.DuckDBPyConnection, warehouse: Warehouse
) -> Row:
    a, b = (Metric(word, sql=sql) for word, sql in zip(("a", "b"), sides, strict=True))
    read = Pinned(built)
    try:
        try:
            left, right = (side(each, None, read, warehouse) for each in (a, b))
            found = gap_between(left, right, None, warehouse)
        except NoGap:
            raise
        except ModelError as refusal:
            found = otherwise(refusal, lambda: gap_of_texts(a, b, None, read, warehouse))
    except NoGap as error:
        return empty._replace(verdict="no value", reason=error.message)
    except StartrailError as error:
        return empty._replace(verdict="refused", reason=error.message)
    plain = [row[0] for sql in sides if (row := engine.execute(sql).fetchone()) is not None]
    for number, expected in zip((found.value_a, found.value_b), plain, strict=True):
        assert expected is not None
        assert number == Decimal(str(expected)) or (
            isinstance(expected, float) and abs(float(number) - float(expected)) <= 1e-6 * max(1, abs(float(expected)))
        ), empty
    verdict = "no effect" if not found.lines else f"by {found.method}"
    return empty._replace(verdict=verdict, reason=", ".join(line.cause for line in found.lines), gap=found)


@contextmanager
def _engine(built: tuple[Relation, ...], store: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The engine alone, over the same files."""
    with duckdb.connect() as connection:
        for each in built:
            namespace, _, name = each.name.partition(".")
            files = ", ".join(f"'{store / 'store' / file.key}'" for file in each.files)
            connection.execute(f'create schema if not exists "{namespace}"')
            connection.execute(f'create view "{namespace}"."{name}" as select * from read_parquet([{files}])')
        yield connection


# -- metrics of a text -----------------------------------------------------------------------------


def _numbers(tree: exp.Query) -> Iterator[tuple[str, str, exp.Query]]:
    """Its aggregates over all rows, and summed over its groups."""
    bare = tree.copy()
    for key in ("order", "limit"):
        bare.set(key, None)
    if isinstance(bare, exp.Select):
        aggregates = [each for each in bare.expressions if _aggregates(each)][:COLUMNS]
        for each in aggregates:
            one = bare.copy()
            for key in ("group", "having", "distinct"):
                one.set(key, None)
            one.set("expressions", [each.copy()])
            yield "all rows", each.alias_or_name, one
    grouped = tree.args.get("group") or not isinstance(tree, exp.Select)
    names = [each.alias_or_name for each in bare.selects if _aggregates(each)] if grouped else []
    yield from _summed("its groups", bare, names)


def _of_rows(tree: exp.Query, built: tuple[Relation, ...], warehouse: Warehouse) -> Iterator[tuple[str, str, exp.Query]]:
    """Of a text without aggregates in its own list of columns: a number in it, summed over its rows."""
    bare = tree.copy()
    for key in ("order", "limit"):
        bare.set(key, None)
    kinds = warehouse.describe(Query(bare.sql(dialect="duckdb"), built)).columns if _unique(bare) else ()
    numbers = [
        each.name for each in kinds if re.match(r"decimal|double|int|long", str(each.type)) and not each.name.endswith("_sk")
    ]
    yield from _summed("its rows", bare, numbers)


def _summed(form: str, bare: exp.Query, names: list[str]) -> Iterator[tuple[str, str, exp.Query]]:
    for name in [each for each in names if each][:COLUMNS] if _unique(bare) else ():
        total = exp.Sum(this=exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier("q")))
        yield form, name, exp.select(total).from_(bare.copy().subquery("q"))


def _unique(tree: exp.Query) -> bool:
    names = [each.alias_or_name.lower() for each in tree.selects]
    return len(set(names)) == len(names)


def _aggregates(tree: exp.Expr) -> bool:
    outside = [
        node
        for node in tree.find_all(exp.AggFunc)
        if node.find_ancestor(exp.Window) is None and node.find_ancestor(exp.Subquery) is None
    ]
    return bool(outside) and next(tree.find_all(exp.Window, exp.Grouping), None) is None


def _changed(tree: exp.Query, rng: random.Random) -> exp.Query:
    """A filter changed, and what is summed too where that can be."""
    found = tree.copy()
    literals = [
        (node, each)
        for node in found.find_all(exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)
        for each in node.args.values()
        if isinstance(each, exp.Literal | exp.Cast) and not node.find_ancestor(exp.Join)
    ]
    rng.shuffle(literals)
    for node, literal in itertools.islice(literals, 1):
        whole = node.find_ancestor(exp.Where) is not None and isinstance(node.parent, exp.And | exp.Where)
        if isinstance(literal, exp.Literal) and not literal.is_string:
            literal.replace(exp.Literal.number(int(float(literal.name)) + 1))
        elif whole and isinstance(node.parent, exp.And):
            node.replace(exp.Not(this=exp.paren(exp.Is(this=next(node.find_all(exp.Column)).copy(), expression=exp.Null()))))
    sums = [
        node
        for node in found.find_all(exp.Sum)
        if isinstance(node.this, exp.Column | exp.Mul | exp.Case) and not node.find_ancestor(exp.Window)
    ]
    if sums:
        chosen = rng.choice(sums)
        chosen.set("this", exp.Mul(this=exp.paren(chosen.this.copy()), expression=exp.Literal.number(2)))
    return found


def _print(rows: list[Row]) -> None:
    """The table of accepted and refused shapes."""
    print()  # noqa: T201
    for row in rows:
        verdict = row.verdict if row.verdict != "refused" else "refused "
        print(f"{row.text:<10} {row.form:<10} {row.column[:24]:<24} {verdict:<9} {row.reason[:150]}")  # noqa: T201
    print(dict(Counter(row.verdict for row in rows)))  # noqa: T201

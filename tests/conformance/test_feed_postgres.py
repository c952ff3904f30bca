"""The postgres feed on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.fixtures.landing import Place

from startrail.adapters.feed.postgres import PostgresFeed
from startrail.model import source
from startrail.ports.feed import FeedFailed, FeedForbidden, FeedMissing, FeedUnreachable, Seen


class Shop:
    """A schema of its own with a table of orders."""

    def __init__(self, dsn: str, schema: str) -> None:
        self.dsn, self.schema = dsn, schema
        self.execute('create schema {schema}; create table {schema}."Orders" (id int, "at" timestamptz, note json)')

    @property
    def table(self) -> str:
        return f"{self.schema}.Orders"

    def execute(self, text: str) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(sql.SQL(text).format(schema=sql.Identifier(self.schema)))  # type: ignore[arg-type]

    def feed(self, dsn: str | None = None, **declared: Any) -> PostgresFeed:
        settings: dict[str, Any] = {"table": self.table, "cursor": "id"} | declared
        return PostgresFeed(source.PostgresFeed("env:DSN", **settings), dsn=dsn or self.dsn)


@pytest.fixture
def shop(postgres_dsn: str, postgres_schema: str) -> Iterator[Shop]:
    made = Shop(postgres_dsn, postgres_schema)
    yield made
    made.execute("drop schema {schema} cascade")


def _lines(anywhere: Place, content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


def test_rows_beyond_the_cursor_are_landed_each_once(shop: Shop, anywhere: Place) -> None:
    shop.execute("""insert into {schema}."Orders" values (2, '2026-10-03 06:00+02', '{{"a":\n1}}'), (1, null, null)""")
    (first,) = anywhere.land(shop.feed())
    assert _lines(anywhere, anywhere.store.get(first.key)) == [
        {"id": 1, "at": None, "note": None},
        {"id": 2, "at": "2026-10-03T04:00:00+00:00", "note": {"a": 1}},
    ]
    assert anywhere.land(shop.feed()) == ()
    shop.execute("""insert into {schema}."Orders" values (10, null, null), (9, null, null)""")
    (second,) = anywhere.land(shop.feed())
    assert [row["id"] for row in _lines(anywhere, anywhere.store.get(second.key))] == [9, 10]
    assert anywhere.land(shop.feed()) == ()


def test_without_a_cursor_the_same_rows_are_one_delivery(shop: Shop, anywhere: Place) -> None:
    shop.execute("""insert into {schema}."Orders" values (2, null, null), (1, null, null)""")
    assert len(anywhere.land(shop.feed(cursor=None))) == 1
    shop.execute("""delete from {schema}."Orders" where id = 1; insert into {schema}."Orders" values (1, null, null)""")
    assert anywhere.land(shop.feed(cursor=None)) == ()
    shop.execute("""update {schema}."Orders" set id = 3 where id = 2""")
    assert len(anywhere.land(shop.feed(cursor=None))) == 1


def test_what_is_written_meanwhile_belongs_to_the_next_run(shop: Shop, anywhere: Place) -> None:
    shop.execute("""insert into {schema}."Orders" select i, null, null from generate_series(1, 20000) i""")
    feed = shop.feed()
    offers = feed.offers(Seen(), anywhere.clock.now())
    chunks = feed.fetch(next(offers))
    content = next(chunks)
    shop.execute("""insert into {schema}."Orders" values (30000, null, null); delete from {schema}."Orders" where id = 19999""")
    content += b"".join(chunks)
    assert [row["id"] for row in _lines(anywhere, content)] == list(range(1, 20001))
    offers.close()  # type: ignore[attr-defined]


def test_a_query_may_only_read(shop: Shop, anywhere: Place) -> None:
    shop.execute(
        """create function {schema}.spoil() returns int language sql
        as 'insert into {schema}."Orders" values (7) returning 1'"""
    )
    name = sql.Identifier(shop.schema).as_string(None)
    with pytest.raises(FeedFailed, match="read-only transaction"):
        anywhere.land(shop.feed(table=None, query=f"select {name}.spoil() as id"))
    (landed,) = anywhere.land(shop.feed(table=None, query="select 5 as id, 0.1::numeric(10,3) as price;"))
    assert anywhere.store.get(landed.key) == b'{"id":5,"price":0.100}\n'


def test_a_null_in_the_cursor_is_refused(shop: Shop, anywhere: Place) -> None:
    shop.execute("""insert into {schema}."Orders" values (1, null, null), (null, null, null)""")
    with pytest.raises(FeedFailed, match="cursor 'id' is null"):
        anywhere.land(shop.feed())
    assert anywhere.contents() == []


def test_what_is_wrong_is_said_without_the_password(shop: Shop, anywhere: Place) -> None:
    host = shop.dsn.rpartition("@")[2]
    for changes, kind in (
        ({"table": "nowhere.orders"}, FeedMissing),
        ({"cursor": "nothing"}, FeedMissing),
        ({"table": None, "query": "selec 1"}, FeedFailed),
        ({"dsn": f"postgresql://startrail:s3cret@{host}"}, FeedForbidden),
        ({"dsn": "postgresql://startrail:s3cret@127.0.0.1:1/x"}, FeedUnreachable),
        ({"dsn": "s3cret is no dsn"}, FeedFailed),
        ({"table": None}, FeedFailed),
    ):
        with pytest.raises(kind) as told:
            anywhere.land(shop.feed(**changes))
        assert "s3cret" not in str(told.value)
        assert told.value.hint

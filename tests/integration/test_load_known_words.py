"""Texts of which all values are known: the engine has a type of its own for them, and nobody else notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests.fixtures.loading import contract, field, load_bytes

WORDS = ("paid", "it's", 'a "b"', "", "é", "paid ")
ORDERS = contract(field("id", "long", required=True), field("status", "string", enum=WORDS), key=("id",))


def csv(*values: str) -> bytes:
    lines = [f'{number},"{value.replace(chr(34), chr(34) * 2)}"\n' for number, value in enumerate(values, 1)]
    return ("id,status\n" + "".join(lines)).encode()


def ndjson(*values: str) -> bytes:
    quoted = (value.replace('"', '\\"') for value in values)
    return "".join(f'{{"id":{number},"status":"{value}"}}\n' for number, value in enumerate(quoted, 1)).encode()


@pytest.mark.parametrize(("media", "write"), [("csv", csv), ("ndjson", ndjson)])
def test_each_word_is_read_back_as_it_was_written(tmp_path: Path, media: str, write: Callable[..., bytes]) -> None:
    words = [word for word in WORDS if word]  # of CSV the empty text is null
    loaded = load_bytes(tmp_path, write(*words, "Paid", " paid"), ORDERS, media)
    assert loaded.rows("status, _ordinal") == [(word, at) for at, word in enumerate(words, 1)]
    assert loaded.rules() == {6: [("$.status", "unknown_value")], 7: [("$.status", "unknown_value")]}


@pytest.mark.parametrize(("media", "write"), [("csv", csv), ("ndjson", ndjson)])
def test_words_of_an_open_list_are_none_of_them(tmp_path: Path, media: str, write: Callable[..., bytes]) -> None:
    promised = contract(field("id", "long"), field("status", "string", enum=("paid",), enum_open=True))
    loaded = load_bytes(tmp_path, write("paid", "lost", "paid"), promised, media)
    assert loaded.rows("status") == [("paid",), ("lost",), ("paid",)]


@pytest.mark.parametrize(("media", "write"), [("csv", csv), ("ndjson", ndjson)])
@pytest.mark.parametrize("words", [("a",) * 3, tuple(f"w{number}" for number in range(300))])
def test_lists_that_make_no_type_are_compared_as_before(
    tmp_path: Path, media: str, write: Callable[..., bytes], words: tuple[str, ...]
) -> None:
    promised = contract(field("id", "long"), field("status", "string", enum=words))
    loaded = load_bytes(tmp_path, write("a" if "a" in words else "w299", "x"), promised, media)
    assert loaded.counts == (2, 1, 1, 0)


def test_a_default_counts_where_the_list_does_not_have_it(tmp_path: Path) -> None:
    promised = contract(field("id", "long"), field("status", "string", enum=("paid",), default="none"))
    assert load_bytes(tmp_path, b"id\n1\n2\n", promised, "csv").rows("status") == [("none",), ("none",)]


def test_the_file_has_texts_as_any(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, csv("paid", "paid"), ORDERS, "csv")
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT name, converted_type FROM parquet_schema('{loaded.files[0]}')").fetchall()
    texts = {name for name, kind in found if kind == "UTF8"}
    assert texts == {"status", "_delivery", "_extra"}

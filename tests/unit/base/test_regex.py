"""Regular expressions of contracts: the engine's answer, in time that no expression can make explode."""

from __future__ import annotations

import random

import duckdb
import pytest

from startrail.base.regex import Expression

ATOMS = (
    "a", "b", "k", "S", ".", r"\d", r"\w", r"\s", r"\S", r"\W", r"\D", "[a-c]", "[^a]", r"[^\s]", r"[\w-]", r"\.", r"\n", r"\v",
    r"\x41", "é", "[]a]", "[[]", "[a-]", "-", "{", "}", r"\-", "/", "^", "$", "()", "(a|b)", "(?:a|)", "(?P<n>a)", "[é-ü]", "€",
    " ", ",", "[a&&b]", "[+--]", r"\t", r"\0", r"\e", "(?i)", "#",
)  # fmt: skip
REPEATS = ("", "", "", "*", "+", "?", "{2}", "{1,3}", "{0}", "{2,}", "{,3}", "*?", "{3,2}", "{500}", "{0,1000}", "**")
TEXTS = [
    "", "a", "b", "ab", "aab", "abc", "\n", "a\n", "\na", "\v", "\u017f", "\u212a", "K", "k", "s", "S", "é", "A", "1", " ",
    "\xa0", "-", "ba", "aaaa", "bbbb", "a-b", "\r", "\u2028", "x" * 50, "_", "{", "a{,3}", "[", "]", "/", "€", "\t", "&", "+",
    ",", "🙂", "\0",
]  # fmt: skip


def expressions(count: int) -> list[str]:
    chance = random.Random(7)
    found = []
    for _ in range(count):
        text = "".join(chance.choice(ATOMS) + chance.choice(REPEATS) for _ in range(chance.randint(1, 4)))
        text = f"({text}){chance.choice(REPEATS)}" if chance.random() < 0.2 else text
        text = f"^{text}$" if chance.random() < 0.2 else text
        found.append("(?i)" + text if chance.random() < 0.2 else text)
    return found


def test_what_is_read_is_read_by_the_engine_and_matches_the_same_texts() -> None:
    accepted = 0
    with duckdb.connect() as connection:
        for pattern in expressions(1_500):
            try:
                ours = Expression(pattern)
            except ValueError:
                continue
            accepted += 1
            query = (
                "SELECT list(regexp_matches(t, '" + pattern.replace("'", "''") + "') ORDER BY i) FROM (SELECT unnest(?) AS t, "
            )
            (theirs,) = connection.execute(query + "generate_subscripts(?, 1) AS i)", [TEXTS, TEXTS]).fetchone() or ([],)
            assert [ours.found_in(text) for text in TEXTS] == theirs, pattern
    assert accepted > 300


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^(a+)+$", "a" * 30_000 + "b", False),
        ("^(a|aa)+$", "a" * 30_000, True),
        ("(x+x+)+y", "x" * 30_000, False),
        ("(.*)*(.*)*z", "x" * 10_000, False),
    ],
)
def test_expressions_that_explode_elsewhere_are_matched_letter_by_letter(pattern: str, text: str, found: bool) -> None:
    assert Expression(pattern).found_in(text) is found


def test_a_long_text_under_a_huge_expression_is_given_up_and_a_short_one_never() -> None:
    pattern = Expression("(a|b)*a(a|b){400}$")
    chance = random.Random(1)
    letters = "".join(chance.choice("ab") for _ in range(100_000))
    assert pattern.found_in(letters[:1_000]) is not None
    assert pattern.found_in(letters) is None

"""Text from data does nothing wherever it is shown."""

import html
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from startrail.base.neutral import neutral

_PIECES = st.sampled_from([
    "@everyone", "@here", "<!channel>", "<@U024BE7LH>", "<b>x</b>", "[a](http://evil.example)", "[a]: x", "![i](u)",
    "&lt;", "&#64;", "\x1b[31m", "\x9b2J", "\x07", "\u202e", "\u200b", "\ufeff", "\U000e0041", "\uff20", "\ufe6b",
    "\uff1c", "\u2100", "`", "||", "www.", "://", ":", "/", "]", "(", "@", "\r\n", "\n",
    "e\u0301\u0301\u0301\u0301\u0301\u0301", "\u00a0", "\ud800", "10\u00b2", "\ue000",
])  # fmt: skip
TEXTS = st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=12).map("".join)

FORBIDDEN = re.compile(r"[@<>`\x00-\x09\x0b-\x1f\x7f-\x9f]|\]\(|\]\[|\]:|://|&[#\w]|\|\|")


@given(TEXTS)
@example("]\uff20")
@example(":\u2215/")
@example("&\x1b")
@example("\u2025.@")
def test_nothing_is_left_that_means_something_to_a_receiver(text: str):
    for shown in (neutral(text), neutral(text, lines=False)):
        assert not FORBIDDEN.search(shown)
        assert not any(unicodedata.category(letter) in ("Cf", "Cs", "Co", "Cn") for letter in shown)
        assert html.unescape(shown) == shown
    assert "\n" not in neutral(text, lines=False)


@given(TEXTS)
def test_not_even_when_the_receiver_turns_lookalikes_back(text: str):
    shown = unicodedata.normalize("NFKC", neutral(text))
    assert not re.search(r"[@<>`]|://|\]\(", shown)


@given(TEXTS, st.integers(2, 40))
@example("\ud800\r\n@everyone", 8)
def test_doing_it_twice_changes_nothing_and_the_limit_holds(text: str, limit: int):
    shown = neutral(text, limit)
    assert len(shown) <= limit
    assert neutral(shown, limit) == shown


@given(st.text("abc XYZ 0123456789.,;-+%_\u20ac\xe4\xdf\u65e5", max_size=100))
def test_letters_and_figures_stay(text: str):
    assert neutral(text, 1_000) == text.strip()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders 10² <b>late</b>", "orders 10² \u2039b\u203alate\u2039/b\u203a"),
        ("@everyone look", "(at)everyone look"),
        ("items[].size", "items[].size"),
        ("[click](https://evil.example)", "[click] (https: //evil.example)"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\u202eb", "a\\u202eb"),
        ("one\ttwo", "one two"),
    ],
)
def test_what_it_looks_like(text: str, shown: str):
    assert neutral(text) == shown


def test_what_is_cut_says_so():
    assert neutral("x" * 50, 10) == "x" * 9 + "…"

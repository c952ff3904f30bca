"""Strict YAML: every refusal at its place, and no surprise in what is read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.project import errors
from startrail.project.yaml import MAX_BYTES, MAX_DEPTH, Node, read_yaml


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


REFUSED = [
    ("a: [1\nb: 2\n", errors.NotYaml, 2, 2),
    ("a: b: c\n", errors.NotYaml, 1, 5),
    ("a:\n\tb: 1\n", errors.NotYaml, 2, 1),
    ("a: @x\n", errors.NotYaml, 1, 4),
    ("a: 'x\n", errors.NotYaml, 2, 1),
    ("%YAML 1.1\n---\na: 1\n", errors.NotYaml, 1, 1),
    ("a: 1e400\n", errors.NotYaml, 1, 4),
    ("a: " + "9" * 500, errors.NotYaml, 1, 4),
    ("a: 1\nb:\n  c: 1\n  c: 2\n", errors.DuplicateKey, 4, 3),
    ("{a: 1, a: 2}\n", errors.DuplicateKey, 1, 8),
    ("a: &x 1\n", errors.AliasFound, 1, 4),
    ("a: &x\n  b: 1\n", errors.AliasFound, 1, 4),
    ("a: [1, *x]\n", errors.AliasFound, 1, 8),
    ("a: !!str 1\n", errors.TagFound, 1, 4),
    ("a: !python/object:os.system {}\n", errors.TagFound, 1, 4),
    ("! a: 1\n", errors.TagFound, 1, 1),
    ("a:\n  <<: {b: 1}\n", errors.MergeKeyFound, 2, 3),
    ("a: 1\n---\nb: 1\n", errors.SeveralDocuments, 2, 1),
    ("a: {{ x }}\n", errors.TemplateFound, 1, 4),
    ("a: {% if x %}\n", errors.TemplateFound, 1, 5),
    ("a: 'b {{ x }}'\n", errors.TemplateFound, 1, 4),
    ("a: b {% x %}\n", errors.TemplateFound, 1, 4),
    ("{% for x in y %}\na: 1\n", errors.TemplateFound, 1, 2),
    ("1: a\n", errors.KeyNotText, 1, 1),
    ("a:\n  true: b\n", errors.KeyNotText, 2, 3),
    ("[a]: b\n", errors.KeyNotText, 1, 1),
    ("? {a: 1}\n: b\n", errors.KeyNotText, 1, 3),
    ("a: " + "[" * 40, errors.TooDeep, 1, 4 + MAX_DEPTH - 1),
    ("é: \x01\n", errors.NotText, 1, 4),
    ("a: 1\nb: x\x00y\n", errors.NotText, 2, 5),
]


@pytest.mark.parametrize(("text", "error", "line", "column"), REFUSED)
def test_what_is_not_strict_yaml_is_refused_at_its_place(text: str, error: type[StartrailError], line: int, column: int) -> None:
    with pytest.raises(error) as caught:
        read_yaml(text.encode(), "sources/x.yml")
    assert type(caught.value) is error
    assert caught.value.at == Span("sources/x.yml", line, column)
    assert caught.value.hint


def test_bytes_that_are_not_utf8_are_refused_at_the_first_of_them() -> None:
    with pytest.raises(errors.NotText, match="0xff") as caught:
        read_yaml("á: 1\nb: é".encode() + b"\xff", "x.yml")
    assert caught.value.at == Span("x.yml", 2, 5)


def test_a_file_of_more_than_a_mebibyte_is_refused_unread() -> None:
    assert read_yaml(b"a: " + b"x" * (MAX_BYTES - 3), "x.yml").find("a") is not None
    with pytest.raises(errors.FileTooLarge):
        read_yaml(b"a: " + b"x" * (MAX_BYTES - 2), "x.yml")


def test_a_tab_is_explained() -> None:
    with pytest.raises(errors.NotYaml) as caught:
        read_yaml(b"a:\n\tb: 1\n", "x.yml")
    assert caught.value.hint == "indent with spaces, not tabs"


def test_the_second_of_two_keys_names_the_first() -> None:
    with pytest.raises(errors.DuplicateKey) as caught:
        read_yaml(b"a: 1\nb: 1\na: 2\n", "x.yml")
    assert "x.yml:1:1" in str(caught.value)


VALUES = [
    ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("NULL", None),
    ("1", 1), ("-1", -1), ("+1", 1), ("0", 0), ("0x1F", 31), ("0o17", 15),
    ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-2", -0.015), (".inf", float("inf")),
    ("-.INF", float("-inf")),
    ("yes", "yes"), ("on", "on"), ("No", "No"), ("1_000", "1_000"), ("012", "012"), ("007.5", "007.5"), ("12:30:45", "12:30:45"),
    ("2026-10-03", "2026-10-03"), ("2026-10-03T12:00:00Z", "2026-10-03T12:00:00Z"), ("0b1", "0b1"), ("tRUE", "tRUE"),
    ("1.2.3", "1.2.3"), (".", "."), ("+", "+"), ("=", "="), ("'1'", "1"), ('"true"', "true"), ("'~'", "~"),
    ("\u0661", "\u0661"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values_follow_yaml_1_2_and_nothing_is_guessed(text: str, value: object) -> None:
    node = read_yaml(f"a: {text}\n".encode(), "x.yml").find("a")
    assert node is not None
    assert node.value == value
    assert type(node.value) is type(value)


def test_a_number_keeps_how_it_was_written() -> None:
    node = read_yaml(b"a: 0.10\n", "x.yml").find("a")
    assert node is not None
    assert node.text == "0.10"


def test_every_value_and_key_knows_its_place() -> None:
    node = read_yaml("\ufeffa:\n  - b: é\n    c: {d: [1, 2]}\n".encode(), "x.yml")
    first = plain(node)
    assert first == {"a": [{"b": "é", "c": {"d": [1, 2]}}]}
    items = node.find("a")
    assert items is not None
    assert isinstance(items.value, list)
    inner = items.value[0]
    assert inner.at == Span("x.yml", 2, 5)
    below = inner.find("c")
    assert below is not None
    assert below.key == Span("x.yml", 3, 5)
    assert inner.place("c", "d") == Span("x.yml", 3, 12)
    assert inner.place("c", "nothing", "below") == Span("x.yml", 3, 8)


def test_an_empty_file_is_null() -> None:
    assert read_yaml(b"", "x.yml").value is None
    assert read_yaml(b"# only a comment\n", "x.yml").value is None


def test_the_parser_without_its_c_library_reads_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: [1, two, {b: null}]\nc: |\n  x\n  y\n"
    expected = plain(read_yaml(text, "x.yml"))
    monkeypatch.delattr(yaml, "CBaseLoader")
    assert plain(read_yaml(text, "x.yml")) == expected
    with pytest.raises(errors.NotYaml):
        read_yaml(b"a: [1", "x.yml")


def _same_in_both_versions(text: str) -> bool:
    """Whether YAML 1.1, which the dumper knows, and YAML 1.2 mean the same by this text when it is not quoted."""
    return not any(mark in text for mark in ("{{", "{%")) and not any(
        _is_number_in_1_2(text, form) for form in (str.strip, str.lower)
    )


def _is_number_in_1_2(text: str, form: Any) -> bool:
    try:
        float(form(text))
    except ValueError:
        return form(text)[:2] in ("0o", "0x")
    return True


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\ufeff"), max_size=20).filter(
    _same_in_both_versions
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | texts
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda text: text != "<<"), inner, max_size=4),
    max_leaves=12,
)


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


@settings(max_examples=150, deadline=None)
@given(data, st.sampled_from([True, False, None]), st.booleans())
def test_what_yaml_writes_is_read_back_equal(value: object, flow: bool | None, unicode: bool) -> None:
    text = yaml.dump(value, Dumper=NoAliases, default_flow_style=flow, allow_unicode=unicode)
    assert plain(read_yaml(text.encode(), "x.yml")) == value


marks = st.text(st.sampled_from("ab1 \n\t:-[]{},&*!|>'\"%@`#?<~.0éx\x00\ud7ff"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(marks.map(str.encode) | st.binary(max_size=60))
def test_no_bytes_lead_to_anything_but_a_value_or_a_clear_error(raw: bytes) -> None:
    told: StartrailError | None = None
    try:
        read_yaml(raw, "x.yml")
    except StartrailError as error:
        told = error
    assert told is None or (told.code and told.at and told.at.line >= 1)

"""Changes to YAML by place: the changed text means what was asked for, whatever the layout, and nothing else moved."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from startrail.project.yaml_edit import CannotEdit, append, put, remove, replace, value_at

WORDS = st.sampled_from(["a", "b", "key", "name", "Ünï", "with space", "no", "1.0", "- x", "x: y", "#z", "{{", "'", '"', ""])
SCALARS = st.one_of(WORDS, st.integers(-5, 5), st.booleans(), st.none())
TREES: st.SearchStrategy[Any] = st.dictionaries(
    WORDS.filter(bool),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS.filter(bool), inner, max_size=3),
        max_leaves=12,
    ),
    min_size=1,
    max_size=4,
)


@given(TREES, st.booleans(), TREES, st.data())
def test_a_change_is_made_or_refused_and_never_another_one(tree: Any, flow: bool, value: Any, data: st.DataObject) -> None:
    if "{{" in str(tree):
        return
    text = yaml.safe_dump(tree, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=30)
    lines = text.split("\n")
    text = "\n".join(
        line if not line or data.draw(st.booleans()) or not _plain_end(line) else line + "  # note" for line in lines
    )
    try:
        value_at(text, ())
    except Exception:
        return
    path = data.draw(paths(tree))
    asked = data.draw(st.sampled_from([put, append]))
    try:
        after = asked(text, path, value)
    except CannotEdit:
        return
    assert value_at(after, ()) == changed(tree, path, value, append=asked is append)
    assert after.count("# note") >= text.count("# note") - (asked is put)


def changed(tree: Any, path: tuple[str | int, ...], value: Any, *, append: bool) -> Any:
    """The tree as it should be."""
    if not path:
        return [*(tree or []), value] if append else value
    if isinstance(tree, list):
        return [changed(each, path[1:], value, append=append) if at == path[0] else each for at, each in enumerate(tree)]
    inner = tree.get(path[0]) if isinstance(tree, dict) else None
    return (tree or {}) | {path[0]: changed(inner, path[1:], value, append=append)}


@st.composite
def paths(draw: st.DrawFn, tree: Any) -> tuple[str | int, ...]:
    path: list[str | int] = []
    node = tree
    while isinstance(node, (dict, list)) and node and draw(st.booleans()):
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
        path.append(key)
        node = node[key]
    if isinstance(node, dict):
        path.append(draw(st.sampled_from(["fresh", *node])))
    return tuple(path) or ("fresh",)


def _plain_end(line: str) -> bool:
    """A comment may stand there: no quote and no block scalar is open."""
    return not set(line) & set("'\"|>") and line.rstrip().endswith((":", "}", "]", "true", "false", "null", "1", "2", "a", "b"))


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("a: 1\nb: 2 # two\n", ("b",), "a: 1\n"),
        ("a: 1\nb:\n  c: 2\n  d: 3\n", ("b", "c"), "a: 1\nb:\n  d: 3\n"),
        ("l:\n  - x: 1\n    y: 2\n", ("l", 0, "x"), "l:\n  - y: 2\n"),
        ("l: [1, 2, 3]", ("l", 1), "l: [1, 3]"),
        ("l: [1, 2, 3]", ("l", 2), "l: [1, 2]"),
        ("l: [1]", ("l", 0), "l: []"),
        ("l:\n- 1\n- 2\n", ("l", 0), "l:\n- 2\n"),
        ("l:\n- 1\n- 2", ("l", 1), "l:\n- 1"),
    ],
)
def test_what_is_taken_out_leaves_no_trace(text: str, path: tuple[str | int, ...], after: str) -> None:
    assert remove(text, path) == after


def test_what_cannot_be_done_cleanly_is_refused() -> None:
    with pytest.raises(CannotEdit, match="several lines"):
        put("a: |\n  text\n", ("a",), "x")
    with pytest.raises(CannotEdit, match="no place"):
        put("a: 1\n", ("a", "b"), 2)
    with pytest.raises(CannotEdit, match="no list"):
        append("a: 1\n", ("a",), 2)
    with pytest.raises(CannotEdit, match="only entry"):
        remove("a:\n  b: 1\n", ("a", "b"))


def test_a_layout_in_which_the_change_would_mean_something_else_is_refused() -> None:
    with pytest.raises(CannotEdit, match="beside it"):
        put("l: [a: 1]\n", ("l", 0, "b"), 2)


def test_a_place_without_a_value_takes_one() -> None:
    assert put("a:\nb: 1\n", ("a",), 2) == "a: 2\nb: 1\n"
    assert append("a:\nb: 1\n", ("a",), 2) == "a: [2]\nb: 1\n"
    assert put("a: {}\n", ("a", "b"), 2) == "a: {b: 2}\n"
    assert put("a: 1", ("b",), 2) == "a: 1\nb: 2"


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        ("a: 1\nb:\n  - x\n  - y # two\nc: 2 # three\n", ["z"], "a: 1\nb: [z]\nc: 2 # three\n"),
        ("b:\n- x\n- y\nc: 2\n", "z", "b: z\nc: 2\n"),
        ("b:\n  - {x: 1}\nc: 2\n", ["z"], "b: [z]\nc: 2\n"),
        ("b: |\n  select 1\n  from x\n\nc: 2\n", "z", "b: z\n\nc: 2\n"),
        ("b:\n  d: 1\n  e:\n    f: 2\n", {"d": 3}, "b: {d: 3}\n"),
        ("b:\r\n  d: 1\r\nc: 2\r\n", {"d": 3}, "b: {d: 3}\r\nc: 2\r\n"),
        ("a: {b: [x,\n  y], c: 2}\n", None, None),
        ("b: [x, y]  # kept\n", ["z"], "b: [z]  # kept\n"),
        ("b: 1\n", 2, "b: 2\n"),
        ("c: 2\n", 1, "c: 2\nb: 1\n"),
    ],
)
def test_a_value_of_several_lines_is_written_anew_in_its_place(text: str, value: Any, wanted: str | None) -> None:
    if wanted is None:
        assert replace(text, ("a", "b"), ["z"]) == "a: {b: [z], c: 2}\n"
    else:
        assert replace(text, ("b",), value) == wanted

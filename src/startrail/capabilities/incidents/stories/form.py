"""The plain Markdown form of stories, read and written.

A part begins with its name at the beginning of a line: in bold (``**Situation**``, ``**Situation:** text``,
``- __Task__: text``) or as a heading (``## Action``); in a file that has none of these also as ``Result: text``. A part at or
before the last one begins another story. The greatest heading since the last part is its title; of several stories in one
file the first has the nearest one, since a greater may be the file's.

What :func:`write` writes, :func:`read` reads back as it was: a line of text that would mean something gets a backslash.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from startrail.model.story import PARTS, Written

_NAME = r"(?:[star]\s{0,3}[-:.]\s{0,3})?(?P<name>situation|task|action|result)s?"
_ITEM = r"(?:[-*+] {1,3}|\d{1,2}[.)] {1,3})?"
_END = r"\s{0,3}[:.]?\s{0,3}"
_BOLD = re.compile(rf" {{0,3}}{_ITEM}(?P<mark>\*\*|__)\s{{0,3}}{_NAME}{_END}(?P=mark)\s{{0,3}}:?(?P<rest>.*)", re.I)
_TITLED = re.compile(rf" {{0,3}}#{{1,6}}[ \t]{{1,3}}(?P<mark>\*\*|__)?{_NAME}{_END}(?P<rest>)(?(mark)(?P=mark)):?[ #]*", re.I)
_PLAIN = re.compile(rf" {{0,3}}{_ITEM}{_NAME}:(?P<rest>.*)", re.I)
_HEADING = re.compile(r" {0,3}(?P<level>#{1,6})(?:[ \t](?P<text>.*))?")
_TAGS = re.compile(r" {0,3}(?:\*\*|__)?(?:leadership )?principles?:?(?:\*\*|__)?:(?:\*\*|__)?(?P<names>.*)", re.I)
_RULE = re.compile(r" {0,3}(?:(?:- ?){3,}|(?:\* ?){3,}|(?:_ ?){3,})\s*")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,16}|~{3,16})(?P<info>[^`~]*)")
_BACKSLASH = re.compile(r"\s*\\+")


class _Mark(NamedTuple):
    line: int
    part: int
    rest: str


def write(stories: Iterable[Written]) -> str:
    """One document of them all, in their order."""
    return "\n".join(_written(story) for story in stories)


def _written(story: Written) -> str:
    lines = [f"# {_title(story.title)}".rstrip(), ""]
    if story.principles:
        lines += [f"Principles: {', '.join(story.principles)}", ""]
    if story.about:
        lines += [*_guarded(story.about), ""]
    for part in PARTS:
        text = story.part(part)
        lines += [f"**{part.capitalize()}**", "", *((*_guarded(text), "") if text else ())]
    return "\n".join(lines)


def _title(text: str) -> str:
    """A title that would be a part gets a backslash; so does a row of ``#`` at its end, which a heading loses."""
    guarded = "\\" + text if _TITLED.fullmatch("# " + text.lstrip("\\")) else text
    return re.sub(r"(\\*)(#+)$", r"\1\1\\\2", guarded)


def _guarded(text: str) -> Iterator[str]:
    lines = text.split("\n")
    inside = _fenced(lines)
    for at, line in enumerate(lines):
        yield line if at in inside or not _means(line) else _behind_spaces(line, "\\")


def _behind_spaces(line: str, more: str) -> str:
    body = line.lstrip()
    return line[: len(line) - len(body)] + more + body


def _means(line: str) -> bool:
    """Whether the reader would take the line for more than text, were it not for backslashes at its beginning."""
    spaces = _BACKSLASH.match(line)
    bare = line.lstrip().lstrip("\\") if spaces else line
    return any(each.fullmatch(bare) for each in (_BOLD, _TITLED, _HEADING, _TAGS, _RULE, _FENCE))


def read(text: str) -> list[Written]:
    """All stories of a document, also those that lack parts; none when no part is named."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    inside = _fenced(lines)
    marks = list(_marks(lines, inside, (_BOLD, _TITLED))) or list(_marks(lines, inside, (_PLAIN,)))
    stories: list[Written] = []
    border = 0
    groups = list(_grouped(marks, len(lines)))
    for group, end in groups:
        title = _title_line(lines, inside, border, group[0].line, nearest=not stories and len(groups) > 1)
        parts: dict[str, str] = {}
        for mark, after in zip(group, [*(m.line for m in group[1:]), None], strict=True):
            stop = after if after is not None else end
            if after is None and stop < len(lines):
                following = _title_line(lines, inside, mark.line + 1, stop)
                stop = stop if following is None else following
            parts[PARTS[mark.part]] = clean("\n".join((mark.rest, *_text(lines, inside, mark.line + 1, stop))))
            border = mark.line + 1
        start = group[0].line if title is None and stories else 0 if title is None else title + 1
        about, principles = _head(lines, inside, start, group[0].line)
        stories.append(Written("" if title is None else _heading(lines[title]), **parts, principles=principles, about=about))
    return stories


def _marks(lines: list[str], inside: frozenset[int], forms: tuple[re.Pattern[str], ...]) -> Iterator[_Mark]:
    for at, line in enumerate(lines):
        if at not in inside and (found := next((m for form in forms if (m := form.fullmatch(line))), None)):
            yield _Mark(at, PARTS.index(found["name"].lower()), found["rest"].strip())


def _grouped(marks: list[_Mark], end: int) -> Iterator[tuple[list[_Mark], int]]:
    """The marks of each story, with the line at which the next one's first mark stands."""
    group: list[_Mark] = []
    for mark in marks:
        if group and mark.part <= group[-1].part:
            yield group, mark.line
            group = []
        group.append(mark)
    if group:
        yield group, end


def _title_line(lines: list[str], inside: frozenset[int], start: int, stop: int, nearest: bool = False) -> int | None:
    """The last of the greatest headings between two lines; ``nearest``: the last of all."""
    found: tuple[int, int] | None = None
    for at in range(start, stop):
        heading = _HEADING.fullmatch(lines[at]) if at not in inside else None
        if heading and (nearest or found is None or len(heading["level"]) <= found[0]):
            found = len(heading["level"]), at
    return None if found is None else found[1]


def _heading(line: str) -> str:
    found = _HEADING.fullmatch(line)
    text = (found["text"] or "").strip() if found else ""
    text = re.sub(r"(?:^|[ \t]+)#+$", "", text)
    text = re.sub(r"(\\+)(#+)$", lambda m: "\\" * (len(m[1]) // 2) + m[2], text)
    guarded = text.startswith("\\") and _TITLED.fullmatch("# " + text.lstrip("\\"))
    return one_line(text[1:] if guarded else text)


def _head(lines: list[str], inside: frozenset[int], start: int, stop: int) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []
    rest: list[int] = []
    for at in range(start, stop):
        tags = _TAGS.fullmatch(lines[at]) if at not in inside else None
        if tags:
            names += [name for each in re.split("[,;]", tags["names"]) if (name := one_line(each.strip(" *_.")).lower())]
        else:
            rest.append(at)
    about = "\n".join(text for at in rest for text in _text(lines, inside, at, at + 1))
    return clean(about), tuple(dict.fromkeys(names))


def _text(lines: list[str], inside: frozenset[int], start: int, stop: int) -> Iterator[str]:
    """Lines of text without their guarding backslashes; a rule that parts two stories is none."""
    for at in range(start, stop):
        line = lines[at]
        if at not in inside and _RULE.fullmatch(line):
            continue
        yield line.replace("\\", "", 1) if at not in inside and _guards(line) else line


def _guards(line: str) -> bool:
    return line.lstrip().startswith("\\") and _means(line)


def _fenced(lines: list[str]) -> frozenset[int]:
    """The lines of blocks of code, with those that open and close them. One that is never closed is no block."""
    inside: set[int] = set()
    hopeless: dict[str, int] = {}
    at = 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        end = None
        if opening and len(opening["mark"]) < hopeless.get(opening["mark"][0], 99):
            end = _closing(lines, at + 1, opening["mark"])
            if end is None:
                hopeless[opening["mark"][0]] = len(opening["mark"])
        if end is not None:
            inside.update(range(at, end + 1))
            at = end
        at += 1
    return frozenset(inside)


def _closing(lines: list[str], start: int, mark: str) -> int | None:
    for at in range(start, len(lines)):
        line = lines[at].strip()
        if line.startswith(mark) and not line.strip(mark[0]):
            return at
    return None


def clean(text: str) -> str:
    """Text of a part: no blank lines around it, no spaces at line ends, nothing that steers a terminal or hides."""
    lines = ["".join(filter(_harmless, line.expandtabs(4))).rstrip() for line in re.split(r"\r\n|\r|\n", text)]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return "\n".join(lines)


def one_line(text: str) -> str:
    """Text of a title."""
    return " ".join(clean(text).split())


def _harmless(letter: str) -> bool:
    return letter == "\u200d" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def normal(story: Written) -> Written:
    """The story as it is kept: with clean texts."""
    parts = {name: clean(story.part(name)) for name in PARTS}
    principles = tuple(dict.fromkeys(name for each in story.principles if (name := one_line(each.strip(" *_.")).lower())))
    return msgspec.structs.replace(story, title=one_line(story.title), about=clean(story.about), principles=principles, **parts)

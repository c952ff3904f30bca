"""People's own stories come in from Markdown and are kept as facts; stories go out as Markdown files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from startrail.base.ids import fingerprint, token
from startrail.base.text import printable
from startrail.capabilities.incidents.star_text import escaped
from startrail.capabilities.incidents.stories.bank import kept
from startrail.capabilities.incidents.stories.errors import (
    NoStoryInFile,
    StoriesNotWritten,
    StoryFileTaken,
    StoryFileUnreadable,
    StoryTooLong,
)
from startrail.capabilities.incidents.stories.form import clean, one_line, read, write
from startrail.capabilities.incidents.stories.principles import principle
from startrail.flow.events import StoryKept
from startrail.flow.session import to_facts
from startrail.model.story import PARTS, Story, Written
from startrail.ports.ledger import Ledger

LARGEST = 1_000_000
"""Bytes of a file."""
MOST = 200
"""Stories of a file."""
LONGEST = 20_000
"""Characters of a part."""
LONGEST_TITLE = 200
_NOTHING = "nothing was kept"


def stories_of(path: Path) -> list[Written]:
    """The stories of a Markdown file. Raises StoryFileUnreadable, NoStoryInFile, StoryTooLong, UnknownPrinciple."""
    name = printable(path.name, 100)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise StoryFileUnreadable(f"'{name}' cannot be read: {error.strerror}", affects=_NOTHING, hint="check the path") from None
    if len(data) > LARGEST:
        raise StoryFileUnreadable(f"'{name}' is larger than {LARGEST:,} bytes", affects=_NOTHING, hint="split the file")
    try:
        found = read(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise StoryFileUnreadable(f"'{name}' is no text in UTF-8", affects=_NOTHING, hint="save it as UTF-8") from None
    if not found:
        hint = "begin lines with **Situation**, **Task**, **Action**, **Result**"
        raise NoStoryInFile(f"'{name}' holds no story", affects=_NOTHING, hint=hint)
    if len(found) > MOST:
        raise StoryTooLong(f"'{name}' holds {len(found):,} stories, more than {MOST}", affects=_NOTHING, hint="split the file")
    return [_bounded(story, number, path) for number, story in enumerate(found, start=1)]


def _bounded(story: Written, number: int, path: Path) -> Written:
    title = story.title or one_line(f"{path.stem} {number}")
    for what, text, most in (("title", title, LONGEST_TITLE), *((part, story.part(part), LONGEST) for part in (*PARTS, "about"))):
        if len(text) > most:
            said = f"story {number} of '{printable(path.name, 100)}': its {what} has {len(text):,} characters, more than {most:,}"
            raise StoryTooLong(said, affects=_NOTHING, hint="shorten it")
    return msgspec.structs.replace(story, title=title, principles=tuple(dict.fromkeys(map(principle, story.principles))))


def keep(ledger: Ledger, stories: Iterable[Written], by: str, now: datetime) -> list[tuple[str, bool]]:
    """Each with its id, and whether it is new or says something new; what is kept already is not kept twice."""
    by = one_line(by)[:LONGEST_TITLE] or "unknown"
    there, done, events = kept(ledger), [], []
    for story in stories:
        if story.about.startswith(_theirs(by)):  # it was exported, and comes back
            story = msgspec.structs.replace(story, about=clean(story.about.removeprefix(_theirs(by))))
        id_ = fingerprint("story", by, story.title)[:8]
        old = there.get(id_)
        new = old is None or old.written != story
        done.append((id_, new))
        if new:
            events.append(StoryKept(subject=id_, by=by, **msgspec.structs.asdict(story)))
            there[id_] = Story(id=id_, origin="person", at=now, written=story, by=by)
    if events:
        ledger.append(to_facts(*events), run=None, at=now)
    return done


def export(stories: Iterable[Story], folder: Path, replace: bool) -> list[Path]:
    """One file each. Raises StoryFileTaken before anything is written, StoriesNotWritten."""
    files = {folder / _file_name(story): markdown(story) for story in stories}
    try:
        for path, text in files.items():
            if not replace and path.exists() and path.read_bytes() != text.encode():
                raise StoryFileTaken(
                    f"'{path}' says something else", affects="nothing was written", hint="--replace, or another folder"
                )
        folder.mkdir(exist_ok=True)
        for path, text in files.items():
            _put(path, text)
    except OSError as error:
        hint = "give a folder that you may write to"
        raise StoriesNotWritten(f"'{folder}' cannot be written to: {error.strerror}", affects="the export", hint=hint) from None
    return list(files)


def markdown(story: Story) -> str:
    """The plain form; a person's own is marked as theirs."""
    if story.by is None:
        return write((msgspec.structs.replace(story.written, title=escaped(story.written.title)),))
    about = f"{_theirs(story.by)}\n\n{story.written.about}".strip()
    return write((msgspec.structs.replace(story.written, about=about),))


def _theirs(by: str) -> str:
    return f"In the words of {by}."


def _put(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.{token(4)}")
    try:
        staged.write_text(text, encoding="utf-8", newline="\n")
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _file_name(story: Story) -> str:
    plain = unicodedata.normalize("NFKD", story.written.title.removeprefix(f"Incident {story.id}: ")).lower()
    slug = "-".join(re.findall("[a-z0-9]+", plain))[:60].strip("-")
    return f"{story.id}-{slug}.md" if slug else f"{story.id}.md"

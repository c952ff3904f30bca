"""Console sessions of a Markdown page, run as a reader would run them.

A page is one visit: its blocks are played in order, in one fresh folder, and a ``cd`` or ``export`` lasts until its end.

- ````` ```console `````: a line ``$ ...`` is a command for ``sh``, ``> ...`` continues it, and what follows until the next
  command is all that it prints, standard error included. ``...`` within a line stands for any text of that line; a line of
  nothing but ``...`` for any number of lines, also none. A command that exits with another code than 0 must be followed
  by ``$ echo $?``, so that no wildcard can hide a failure.
- ````` ```yaml title=sources/orders.yml `````: writes the block to that file, relative to where the session stands. Any
  language will do.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"\btitle=(\S+)")


class Command(NamedTuple):
    """``line`` is where it stands in the page."""

    line: int
    text: str
    expected: tuple[str, ...]


class File(NamedTuple):
    """A file that the reader writes."""

    line: int
    path: str
    text: str


class Block(NamedTuple):
    """A fenced block with the words after its fence."""

    line: int
    language: str
    title: str | None
    body: str


class Differs(AssertionError):
    """A session does not go as its page says."""


def blocks(page: str) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    for match in _FENCE.finditer(page):
        words = match["info"].split()
        title = _TITLE.search(match["info"])
        yield Block(page.count("\n", 0, match.start()) + 1, words[0] if words else "", title[1] if title else None, match["body"])


def script(page: str) -> list[Command | File]:
    """What a reader does on this page. Raises Differs for a session that does not begin with a command."""
    steps: list[Command | File] = []
    for block in blocks(page):
        if block.language == "console":
            steps.extend(_commands(block))
        elif block.title:
            steps.append(File(block.line, block.title, block.body))
    return steps


def play(page: str, folder: Path, environment: Mapping[str, str]) -> int:
    """Do it all, in ``folder``; returns the number of commands. Raises Differs at the first one that goes otherwise."""
    state = folder / ".session"
    state.mkdir()
    home = folder / "work"
    home.mkdir()
    (state / "folder").write_text(str(home))
    (state / "exports").write_text("")
    steps = script(page)
    code, done = 0, 0
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, File):
            path = Path((state / "folder").read_text().rstrip("\n")) / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
            continue
        code, output = _run(step.text, state, code, environment)
        done += 1
        if not agrees(step.expected, output):
            said, told = "\n".join(step.expected), "\n".join(output)
            raise Differs(f"line {step.line}: $ {step.text}\n--- the page\n{said}\n--- in truth\n{told}")
        if code and not (isinstance(after, Command) and after.text == "echo $?"):
            raise Differs(f"line {step.line}: $ {step.text}\nexits with {code}; let '$ echo $?' follow when it should")
    return done


def agrees(expected: tuple[str, ...], output: tuple[str, ...]) -> bool:
    """Whether the output is what the page says, wildcards considered. White space at line ends does not count."""
    if not expected:
        return not output
    if expected[0].strip() == "...":
        return any(agrees(expected[1:], output[skip:]) for skip in range(len(output) + 1))
    return bool(output) and _same(expected[0], output[0]) and agrees(expected[1:], output[1:])


def _same(expected: str, line: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in expected.rstrip().split("..."))
    return re.fullmatch(pattern, line.rstrip()) is not None


def _commands(block: Block) -> Iterator[Command]:
    text, expected, at = "", [], 0
    for number, line in enumerate(block.body.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            if text:
                yield Command(at, text, tuple(expected))
            text, expected, at = line[2:], [], number
        elif line.startswith("> ") and text and not expected:
            text += "\n" + line[2:]
        elif not text:
            raise Differs(f"line {number}: a session begins with '$ '")
        else:
            expected.append(line)
    if text:
        yield Command(at, text, _without_blank_end(expected))


def _without_blank_end(lines: list[str]) -> tuple[str, ...]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return tuple(lines)


_AROUND = """\
. "$SESSION/exports"
cd "$(cat "$SESSION/folder")"
trap 'code=$?; export -p > "$SESSION/exports"; pwd > "$SESSION/folder"; exit $code' EXIT
(exit {code})
{text}
"""


def _run(text: str, state: Path, code: int, environment: Mapping[str, str]) -> tuple[int, tuple[str, ...]]:
    done = subprocess.run(
        ["sh", "-c", _AROUND.format(code=code, text=text)],
        env={**environment, "SESSION": str(state)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=240,
        text=True,
    )
    return done.returncode, _without_blank_end(done.stdout.splitlines())

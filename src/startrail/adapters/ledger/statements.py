"""SQL kept in files. ``facts.append`` is the block ``-- name: append`` of ``facts.sql``.

A line ``-- use: columns`` stands for the block ``columns`` of the same file. Other comment lines are for readers.
"""

from __future__ import annotations

import re
from pathlib import Path

_MARK = re.compile(r"^-- (name|use): (\w+)\s*$")


class Statements:
    """The statements of one dialect; a file is read when one of its statements is first wanted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._texts:
            topic = name.partition(".")[0]
            blocks = parse((self._folder / f"{topic}.sql").read_text())
            self._texts |= {f"{topic}.{block}": text for block, text in blocks.items()}
        return self._texts[name]

    def names(self) -> list[str]:
        """Every statement there is, for tests that compare dialects."""
        return sorted(f"{file.stem}.{block}" for file in self._folder.glob("*.sql") for block in parse(file.read_text()))


def parse(text: str) -> dict[str, str]:
    """Blocks by name, without comments, in a file's text."""
    blocks: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        mark = _MARK.match(line)
        if mark is None:
            if not line.lstrip().startswith("--"):
                lines.append(line)
        elif mark[1] == "use":
            lines.extend(blocks[mark[2]])
        else:
            lines = blocks[mark[2]] = []
    return {name: "\n".join(found).strip().removesuffix(";") for name, found in blocks.items()}

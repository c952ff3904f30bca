"""A report's page as plain text, for readers whose programs show no HTML: headings, paragraphs, and rows by tabs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

MOST_LINES = 300
_SPACES, _TABS = re.compile(r"\s+"), re.compile(r" *\t *")
_SILENT = frozenset(("style", "svg", "head", "script"))
_ENDS = frozenset(("p", "h1", "h2", "h3", "tr", "div", "caption", "figcaption", "footer", "li", "dd"))


def text_of(page: str) -> str:
    """The page's text, at most :data:`MOST_LINES` lines, and said so when there are more."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = [line for line in (_TABS.sub("\t", each).strip() for each in reader.lines) if line]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} more lines, which the page has"]
    return "\n".join(lines) + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [""]
        self._silent: list[str] = []
        self._new_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT or ("class", "sr") in attrs:
            self._silent.append(tag)
        elif tag == "tr":
            self._new_cell = False
        elif tag in ("td", "th", "dd"):
            self._cell(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag in _ENDS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.lines[-1] += _SPACES.sub(" ", data)

    def _cell(self, tag: str) -> None:
        if tag == "dd":
            self.lines[-1] += ": "
        elif self._new_cell:
            self.lines[-1] += "\t"
        self._new_cell = True

"""Every link between pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")


def links(text: str) -> list[tuple[str, str]]:
    """Path and anchor of each link into the project."""
    return [(match[1], match[2] or "") for match in _LINK.finditer(_INLINE.sub("", _FENCED.sub("", text)))]


def anchors(text: str) -> set[str]:
    """The anchors that headings make."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_page_and_its_heading(page: Path) -> None:
    for path, anchor in links(page.read_text(encoding="utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path}: no such file"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{path}#{anchor}: no such heading"


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs/README.md"
    named = {(index.parent / path).resolve() for path, _ in links(index.read_text(encoding="utf-8"))}
    assert {page for page in (ROOT / "docs").rglob("*.md") if page != index} <= named


def test_a_broken_link_would_be_found() -> None:
    assert links("see [laws](explanation/lows.md#two) and `[x](y)`") == [("explanation/lows.md", "two")]
    assert anchors("# Say `why`, now\n") == {"say-why-now"}

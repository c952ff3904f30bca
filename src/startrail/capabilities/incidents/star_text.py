"""A STAR report as Markdown and as HTML. Text from data is neutralised: it can be no markup, and no link."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from startrail.base.text import printable
from startrail.model.star import Entry, Star
from startrail.model.story import PARTS

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#@!~&])")
_LINK = re.compile(r"(:(?=//)|(?<=www)\.)", re.I)
_LONGEST = 4000


def markdown(star: Star) -> str:
    """The four parts in bold, one line per sentence, each with the facts behind its figures."""
    lines = [f"# Incident {star.incident}: {escaped(star.title)}", "", f"State: {star.state}. Severity: {star.severity}."]
    for part in PARTS:
        lines += ["", f"**{part.capitalize()}**", ""]
        lines += _lines(getattr(star, part)) or ["- nothing is known"]
    return "\n".join(lines) + "\n"


def parts(star: Star) -> dict[str, str]:
    """Each of the four parts as Markdown, one line per sentence; empty when nothing is known."""
    return {part: "\n".join(_lines(getattr(star, part))) for part in PARTS}


def _lines(entries: tuple[Entry, ...]) -> list[str]:
    return [f"- {_sentence(each, escaped)}{_behind(each)}" for each in entries]


def page(star: Star) -> str:
    """A page that needs nothing but itself."""
    title = html.escape(printable(f"Incident {star.incident}: {star.title}", _LONGEST))
    body = [f"<h1>{title}</h1>", f"<p>State: {html.escape(star.state)}. Severity: {html.escape(star.severity)}.</p>"]
    for part in PARTS:
        entries: tuple[Entry, ...] = getattr(star, part)
        items = "".join(f"<li>{_sentence(each, html.escape)}<small>{_behind(each)}</small></li>" for each in entries)
        body.append(f"<h2>{part.capitalize()}</h2>\n<ul>{items or '<li>nothing is known</li>'}</ul>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "small{opacity:.75}li{margin:.3rem 0;overflow-wrap:anywhere}"
)


def _sentence(entry: Entry, escape: Callable[[str], str]) -> str:
    text = escape(printable(entry.told(), _LONGEST))
    return f"{text} (a person's words)" if entry.person else text


def _behind(entry: Entry) -> str:
    facts = entry.facts
    if not facts:
        return ""
    shown = ", ".join(str(seq) for seq in facts[:8]) + (f" and {len(facts) - 8} more" if len(facts) > 8 else "")
    return f" [fact{'' if len(facts) == 1 else 's'} {shown}]"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, and no address that a reader's program makes a link of."""
    return _LINK.sub(r"\\\1", _SPECIAL.sub(r"\\\1", printable(text, _LONGEST)))

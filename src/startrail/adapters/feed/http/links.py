"""Where an answer leads: the Link header (RFC 8288), and the links of an HTML page."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from startrail.ports.feed import FeedFailed

_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w!#$&+\-.^`|~*]+\s*(?:=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s\",;]+))?)*)")
_RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)


def next_of(header: str | None) -> str | None:
    """The target of the first link whose relation is ``next``."""
    for target, parameters in _LINK.findall(header or ""):
        relation = _RELATION.search(parameters)
        if relation is not None and "next" in (relation[1] or relation[2]).lower().split():
            return target
    return None


def files_of(page: str, address: str, matches: Callable[[str], bool]) -> list[str]:
    """Addresses of the files that a page links to on its own server, in order of their names, each once.

    What matches is the last part of the path. Raises FeedFailed when the page is no HTML with links.
    """
    reader = _Links()
    reader.feed(page)
    if not reader.found:
        raise FeedFailed("the index page links to nothing", hint="does `url` name a page that lists the files?")
    here = urlsplit(address)
    found = {}
    for link in reader.found:
        try:
            target = urlsplit(urljoin(address, link))
        except ValueError:
            continue
        name = unquote(target.path.rpartition("/")[2])
        if target[:2] == here[:2] and name and matches(name):
            found[target._replace(fragment="").geturl()] = name
    return sorted(found, key=lambda link: (found[link], link))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]

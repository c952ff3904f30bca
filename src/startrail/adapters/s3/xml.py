"""Elements of the answers of an S3 API and its relatives, where one or two are wanted of a small text."""

from __future__ import annotations

import html
import re


def element(answer: str, name: str) -> str:
    """The text of the first element of this name, or ``""``."""
    match = re.search(f"<{name}>(.*?)</{name}>", answer, re.DOTALL)
    return html.unescape(match[1]) if match else ""

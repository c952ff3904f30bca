"""A changed file as a unified diff."""

from __future__ import annotations

import difflib


def unified(path: str, before: str | None, after: str) -> str:
    """A unified diff of one file that ``git apply`` and ``patch -p1`` take; ``path`` is relative to the folder they run in.

    ``before`` None: there is no such file yet. Empty when nothing changes.
    """
    old = [] if before is None else before.splitlines(keepends=True)
    lines = list(
        difflib.unified_diff(old, after.splitlines(keepends=True), "/dev/null" if before is None else f"a/{path}", f"b/{path}")
    )
    if not lines:
        return ""
    head = f"diff --git a/{path} b/{path}\n" + ("new file mode 100644\n" if before is None else "")
    return head + "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

"""How a patch of the project is applied where the project is a folder inside a larger repository.

There ``git apply`` takes the paths of a patch from the top of the repository, and passes over those outside the
folder without a word.
"""

from __future__ import annotations

from pathlib import Path


def git_apply(file: str, root: Path) -> tuple[str, ...]:
    """The command, word by word, to be typed in the project folder ``root``."""
    folder = root.resolve()
    top = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)
    inside = folder.relative_to(top).as_posix()
    return ("git", "apply", file) if inside == "." else ("git", "apply", f"--directory={inside}", file)

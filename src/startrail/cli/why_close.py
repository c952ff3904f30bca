"""How ``startrail why`` closes a gap: a section for a report, and a patch that leaves one definition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.why.gap import Gap
    from startrail.wiring import Opened
    from startrail.wiring.standard import Patch

OUTPUT = Path("-")


class Closing:
    """What was asked for with ``--star`` and ``--patch``; ``-`` is the standard output."""

    def __init__(self, star: Path | None, patch: Path | None, root: Path) -> None:
        self._star, self._patch, self._root = star, patch, root
        self._found: Patch | None = None
        self._text = ""

    @property
    def on_output(self) -> bool:
        """Whether the standard output is taken."""
        return OUTPUT in (self._star, self._patch)

    def check(self, a: str | None, b: str | None, at: str | None, vs: str | None, plain: tuple[Path | None, ...]) -> None:
        """Before anything is computed. Raises UsageError, NothingToTakeOver."""
        from startrail.capabilities.why.errors import NothingToTakeOver

        if self._star == self._patch == OUTPUT:
            raise click.UsageError("--star and --patch cannot both go to the standard output; name a file for one of them")
        if self._patch is not None and (a is None or b is None or at or vs or any(plain)):
            raise NothingToTakeOver(
                "a patch makes one of two declared metrics the other's definition", hint="startrail why A B --patch, without --at"
            )

    def of(self, opened: Opened, gap: Gap, a: str | None, b: str | None, period: str | None) -> dict[str, Any]:
        """Make them; returns what they add to the result. Raises what :func:`patch` raises."""
        more: dict[str, Any] = {}
        if self._patch is not None and a is not None and b is not None:
            from startrail.wiring.standard import patch

            self._found = patch(opened, a, b, period)
            more["patch"] = self._found
        if self._star is not None:
            from startrail.capabilities.why.star import star

            self._text = star(gap, patch=_sentence(self._found))
            more["star"] = self._text
        return more

    def hand_over(self, console: Console) -> None:
        """Print them, or write them to their files. Raises BadOutput (ST803)."""
        from startrail.base.text import printable
        from startrail.cli.git_apply import git_apply

        if self._found is not None and self._patch is not None:
            found = self._found
            said = (
                f"{found.changed} takes over {', '.join(found.slots)} of {found.standard}, the standard; verified: no gap is left"
            )
            console.say(printable(said, 400))
            if _write(self._patch, found.diff, console):
                following = " ".join(git_apply(str(self._patch), self._root))
                console.say(f"the patch is in {printable(str(self._patch))}. Next: {printable(following, 400)}")
        if self._star is not None and _write(self._star, self._text, console):
            console.say(f"the section is in {printable(str(self._star))}")


def _sentence(found: Patch | None) -> str | None:
    if found is None:
        return None
    return f"Proposed: a patch by which `{found.changed}` takes over the definition of `{found.standard}`; with it no gap is left"


def _write(path: Path, text: str, console: Console) -> bool:
    """True when it went to a file."""
    from startrail.cli.errors import cannot_write

    if path == OUTPUT:
        if not console.as_json:
            click.echo(text, nl=False)
        return False
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise cannot_write(path, error) from error
    return True

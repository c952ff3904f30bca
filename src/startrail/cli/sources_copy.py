"""``startrail sources copy``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("copy")
@click.argument("name")
@click.option("--to", "to", required=True, metavar="s3://BUCKET/PREFIX|FOLDER", help="Where to; a folder of this machine or S3.")
@click.option("--wait", type=float, default=600.0, show_default=True, help="Seconds to wait for another runner.")
@options.common
@options.now
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, name: str, to: str, wait: float
) -> int:  # fmt: skip
    """Copy a source's files under their own names, each exactly once; nothing is loaded.

    Run it as often as you like: a file that was copied is not copied again, also when it was taken away from the target.
    One that is still being written is left for the next time. For a bucket other than the profile's, endpoint, region and
    keys come from the environment: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
    """
    from startrail.base.text import printable
    from startrail.base.units import show_size
    from startrail.wiring.copying import copy_source

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        result, address = copy_source(opened, name, to, console.emit, wait)
        left = f"; {result.growing} left for the next time" if result.growing else ""
        if result.files:
            files = "1 file" if result.files == 1 else f"{result.files:,} files"
            console.say(f"copied {files}, {show_size(result.bytes)}, to {printable(address)}{left}")
        else:
            console.say(f"nothing new to copy{left}")
        console.result({"ok": True, "files": result.files, "bytes": result.bytes, "growing": result.growing, "to": address})
        return 0

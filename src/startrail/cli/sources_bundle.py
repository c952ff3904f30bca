"""``startrail sources bundle``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.sources.bundle.plan import Trigger


_DOES = {"land": "lands", "copy": "copies"}


@click.command("bundle")
@click.argument("name")
@click.option("--target", required=True, metavar="aws-lambda", help="What kind of function.")
@click.option("--to", "to", type=click.Path(path_type=Path), help="Folder to write into; default: NAME-lambda, here.")
@click.option("--copy-to", "copy_to", metavar="s3://BUCKET/PREFIX", help="Copy files there, without a ledger; otherwise: land.")
@click.option("--trigger", type=click.Choice(["schedule", "queue", "s3"]), help="What calls it; default: queue, or schedule.")
@click.option("--vendor", is_flag=True, help="Put the packages of others into the zip, as they are installed here.")
@click.option("--arch", type=click.Choice(["x86_64", "arm64"]), default="x86_64", show_default=True, help="Processor.")
@click.option("--timeout", type=click.IntRange(30, 900), default=900, show_default=True, help="Seconds that one call may take.")
@click.option("--memory", type=click.IntRange(128, 10240), default=512, show_default=True, help="MB.")
@options.common
def command(
    root: Path, profile_name: str, as_json: bool, name: str, target: str, to: Path | None, copy_to: str | None,
    trigger: Trigger | None, vendor: bool, arch: str, timeout: int, memory: int,
) -> int:  # fmt: skip
    """Make a source a function in the cloud: a zip of what it needs, and Terraform for it and for what calls it.

    It lands into the profile's bucket under the profile's ledger in PostgreSQL, and the next run loads; or, with --copy-to, it
    copies files under their names. The same declarations give the same bytes. Nothing is sent anywhere, and no secret is in it.
    """
    from startrail.base.units import show_size
    from startrail.wiring.bundle import Wanted, bundle_source

    folder = to if to is not None else Path(f"{name}-lambda")
    with Console(as_json) as console:
        wanted = Wanted(name, target, folder, copy_to, trigger, vendor, arch, timeout, memory)
        made = bundle_source(root, profile_name, wanted)
        size = f"{show_size(made.size)}, {show_size(made.unpacked)} unpacked"
        console.say(f"{folder / made.package}: {made.modules} modules, {size} (limits: 50 MB, 250 MB with layers)")
        console.say(f"{folder / 'main.tf.json'}: it {_DOES[made.mode]} {name}, called by {' and '.join(made.triggers)}")
        if not vendor and made.requirements:
            console.say(f"{folder / 'requirements.txt'}: {', '.join(made.requirements)}, for a layer")
        for parameter in made.parameters:
            console.say(f"secret: aws ssm put-parameter --type SecureString --name {parameter} --value file://...")
        console.say(f"Next: terraform -chdir={folder} init, and plan")
        console.result(made)
        return 0

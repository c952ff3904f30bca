"""One copy of everything a server of files has, as each contender is told to make it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import STARTRAIL, output, put
from benchmarks.transfer_servers import BUCKET, Bucket, Far

KEYS = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER", "AWS_REGION": "us-east-1"}
"""The only ones that s3rver knows; moto takes any."""


class Job(NamedTuple):
    """``target``: a bucket, or a folder that is empty. ``folder`` is for what the contender keeps of its own, new each time."""

    far: Far
    target: Bucket | Path
    folder: Path


Words = Sequence[str | Path]


def startrail(job: Job) -> Words:
    """``sources copy`` in a project with one source."""
    project = job.folder / "project"
    output([*STARTRAIL, "init", project])
    put(project / "sources/files.yml", _source(job.far))
    to = f"s3://{BUCKET}/" if isinstance(job.target, Bucket) else str(job.target)
    return [*STARTRAIL, "sources", "copy", "files", "--to", to, "-C", project]


def landing(job: Job) -> Words:
    """``run`` in the same project: what is landed lies under its digest, and is known to the ledger."""
    startrail(job)
    project = job.folder / "project"
    return [*STARTRAIL, "run", "-C", project]


def rclone(job: Job) -> Words:
    """As many files at a time as ours; without running md5sum at the far side, which takes it 20 s for 200 files."""
    settings = job.folder / "rclone.conf"
    settings.write_text(_remotes(job))
    to = f"s3:{BUCKET}" if isinstance(job.target, Bucket) else job.target
    return ["rclone", "--config", settings, "--transfers", "8", "--sftp-disable-hashcheck", "copy", f"far:{job.far.path}", to]


def rclone_hashed(job: Job) -> Words:
    """The same, and then what our own have done by the end: everything synced, and its SHA-256 known."""
    sums = job.folder / "sums"
    return ["sh", "-c", f'"$@" && find {job.target} -type f -exec sha256sum {{}} + > {sums}', "sh", *rclone(job)]


def lftp(job: Job) -> Words:
    """To a folder only, which is all it can."""
    far = job.far
    assert isinstance(job.target, Path)
    opened = f"set sftp:auto-confirm yes; set net:max-retries 2; open -u {far.user},{far.password or 'x'} -p {far.port} "
    if far.key is not None:
        ssh = f"ssh -a -x -i {far.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        opened = f'set sftp:connect-program "{ssh}"; ' + opened
    return ["lftp", "-c", f"{opened}{far.scheme}://127.0.0.1; mirror --parallel=8 {far.path} {job.target}"]


def script(job: Job) -> Words:
    """What one writes in ten lines: ftplib, then boto3 or a file."""
    assert job.far.scheme == "ftp"
    to = job.target.endpoint if isinstance(job.target, Bucket) else str(job.target)
    return [sys.executable, "-c", _SCRIPT, str(job.far.port), to]


def safely(words: Words, job: Job) -> list[str]:
    """To a disk ours are told when they would survive a power cut; the others are given as much to do."""
    told = [str(word) for word in words]
    if isinstance(job.target, Bucket) or told[: len(STARTRAIL)] == list(STARTRAIL):
        return told
    return ["sh", "-c", '"$@" && find "$0" -type f -exec sync {} +', str(job.target), *told]


HASHED = "rclone and sha256sum"
CONTENDERS: dict[str, Callable[[Job], Words]] = {
    "startrail": startrail,
    "rclone": rclone,
    HASHED: rclone_hashed,
    "lftp": lftp,
    "script": script,
}


def may(name: str, job: Job) -> bool:
    """Whether this contender is here, and can do this job."""
    if name in ("rclone", HASHED, "lftp") and shutil.which(name.split()[0]) is None:
        return False
    if name in (HASHED, "lftp"):
        return isinstance(job.target, Path)
    return name != "script" or job.far.scheme == "ftp"


def environment(job: Job) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_", "PYTHONDONT"))}
    own["PYTHONPYCACHEPREFIX"] = str(job.folder.parent / "pycache")  # an installed package is compiled
    if isinstance(job.target, Path):
        return own
    return own | KEYS | {"AWS_ENDPOINT_URL": job.target.endpoint}


def _source(far: Far) -> str:
    feed = f"  kind: {far.scheme}\n  host: 127.0.0.1\n  port: {far.port}\n  path: {far.path}\n  user: {far.user}\n"
    if far.key is not None:
        feed += f"  key: file:{far.key}\n  host_key: {far.host_key}\n"
    return f"feed:\n{feed}"


def _remotes(job: Job) -> str:
    far = job.far
    text = f"[far]\ntype = {far.scheme}\nhost = 127.0.0.1\nport = {far.port}\nuser = {far.user}\n"
    if far.key is not None:
        text += f"key_file = {far.key}\n"
    else:
        text += f"pass = {output(['rclone', 'obscure', far.password]).strip()}\n"
    if isinstance(job.target, Bucket):
        text += f"[s3]\ntype = s3\nprovider = Other\nendpoint = {job.target.endpoint}\naccess_key_id = S3RVER\n"
        text += "secret_access_key = S3RVER\nregion = us-east-1\n"
    return text


_SCRIPT = f"""
import ftplib, io, sys
from pathlib import Path
port, to = sys.argv[1:]
ftp = ftplib.FTP()
ftp.connect("127.0.0.1", int(port))
ftp.login()
if to.startswith("http"):
    import boto3
    s3 = boto3.client("s3")
for name in ftp.nlst():
    if to.startswith("http"):
        held = io.BytesIO()
        ftp.retrbinary("RETR " + name, held.write)
        held.seek(0)
        s3.upload_fileobj(held, "{BUCKET}", name)
    else:
        with (Path(to) / name).open("wb") as out:
            ftp.retrbinary("RETR " + name, out.write)
"""

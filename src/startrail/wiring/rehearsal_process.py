"""A process that rehearses deliveries: jobs come on standard input, results go to standard output."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from startrail.capabilities.contracts.rehearse.one import Job, rehearse
from startrail.wiring.ports import open_store
from startrail.wiring.rehearsal import Setup, keep, open_rehearser, receive, send


def main() -> None:
    """Until nothing more comes."""
    jobs, results = sys.stdin.buffer, sys.stdout.buffer
    setup = msgspec.msgpack.decode(receive(jobs), type=Setup)
    root = Path(setup.root)
    rehearser = open_rehearser(root, open_store(root, setup.profile))
    while True:
        try:
            job = msgspec.msgpack.decode(receive(jobs), type=Job)
        except EOFError:
            return
        result = rehearse(job, rehearser, lambda *_: None)
        keep(root, job, result)
        send(results, result)


if __name__ == "__main__":
    main()

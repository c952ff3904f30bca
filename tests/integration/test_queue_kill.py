"""A run that a queue tells what is new is killed for real, and goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.fixtures.sqs import Queue, client

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.adapters.store.local import LocalStore

SCRIPT = """
    import os, signal, sys
    from pathlib import Path
    from startrail.adapters.clock import SystemClock
    from startrail.adapters.feed.s3.queue import S3QueueFeed
    from startrail.adapters.feed.s3.sqs import SqsQueue
    from startrail.adapters.ledger.sqlite import open_ledger
    from startrail.adapters.store.local import LocalStore
    from startrail.base import crash
    from startrail.base.span import Span
    from startrail.capabilities.sources.land import land
    from startrail.model import source
    from startrail.model.run import Run

    root, endpoint, bucket, queue, point, count = Path(sys.argv[1]), *sys.argv[2:6], int(sys.argv[6])
    passed = 0

    def die(name):
        global passed
        passed += name == point
        if name == point and passed == count:
            os.kill(os.getpid(), signal.SIGKILL)

    crash.hook = die
    feed = source.S3Feed(bucket, endpoint=endpoint, events=source.S3Events(queue, wait="2s"))
    declared, keys = source.Source("shop", feed, Span("sources/shop.yml")), {"access_key": "test", "secret_key": "test"}
    clock, ledger = SystemClock(), open_ledger(root / "ledger.sqlite")
    lease = ledger.acquire("runner", "same", 3600, clock.now())
    run = f"run-{point}-{count}-{os.getpid()}"
    ledger.start_run(Run(run, clock.now()), lease)
    messages = SqsQueue(feed.events, "us-east-1", hold_seconds=1, **keys)
    told = S3QueueFeed(feed, clock, messages, sweeps=False, **keys)
    landed = land(declared, told, ledger=ledger, store=LocalStore(root / "store"), lease=lease, run=run, clock=clock,
                  emit=lambda event: None)
    told.close()
    ledger.close()
    print(len(landed))
"""


@pytest.mark.parametrize("point", ["before land", "after landing bytes", "after recording delivery"])
def test_a_killed_run_loses_no_message_and_lands_nothing_twice(
    tmp_path: Path, s3_endpoint: str, s3_bucket: str, s3_queue: Queue, point: str
) -> None:
    s3 = client("s3", s3_endpoint)
    contents = [f"id\n{number}\n".encode() * 5_000 for number in range(4)]
    for number, content in enumerate([*contents, contents[0]]):
        s3.put_object(Bucket=s3_bucket, Key=f"{number}.csv", Body=content)
    s3_queue.send("no event at all")

    def run(at: str, count: int) -> subprocess.CompletedProcess[str]:
        given = [str(tmp_path), s3_endpoint, s3_bucket, s3_queue.url, at, str(count)]
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT), *given]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(point, 3).returncode == -signal.SIGKILL
    assert run(point, 1).returncode == -signal.SIGKILL
    done = run("never", 0)
    assert done.returncode == 0, done.stderr
    ledger, store = open_ledger(tmp_path / "ledger.sqlite"), LocalStore(tmp_path / "store")
    assert sorted(store.get(delivery.key) for delivery in ledger.deliveries("shop")) == sorted(contents)
    assert len(list(ledger.facts(kind="delivery.landed"))) == len(contents)
    assert len(list(ledger.facts(kind="source.message_set_aside"))) == 1
    assert s3_queue.left() == 0
    ledger.close()

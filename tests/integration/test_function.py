"""A source as a function: its package, called in a process that has nothing else of ours."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.sftp import SSH_PASSWORD, SSH_USER, SftpServer
from tests.fixtures.sqs import client

from startrail.adapters.ledger.postgres import open_ledger
from startrail.cli.app import root as command_line

CHILD = """
    import json, sys
    from pathlib import Path
    unpacked, *packages = sys.argv[1:]
    sys.path[:] = [unpacked, *(path for path in sys.path if "site-packages" not in path), *packages]
    import startrail_handler

    class Context:
        def get_remaining_time_in_millis(self):
            return 60_000

    answers = []
    for event in json.load(sys.stdin):
        try:
            answers.append(startrail_handler.handle(event, Context()))
        except Exception as error:
            answers.append({"raised": f"{getattr(error, 'code', '')} {error}"})
    ours = {name for name, module in sys.modules.items() if name.startswith("startrail")}
    assert all(Path(sys.modules[name].__file__).is_relative_to(unpacked) for name in ours), ours
    json.dump(answers, sys.stdout)
"""
SITE = str(Path(msgspec.__file__).parent.parent)


class Cloud:
    """A project with a source, what was bundled of it, and calls of that."""

    def __init__(self, folder: Path, endpoint: str, bucket: str) -> None:
        self.folder, self.endpoint, self.bucket = folder, endpoint, bucket
        self.s3 = client("s3", endpoint)
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint, "TMPDIR": str(folder / "tmp"),
        }  # fmt: skip
        (folder / "tmp").mkdir(parents=True)
        command_line.main(["init", str(folder / "shop")], standalone_mode=False)
        self.project = folder / "shop"
        keys = "access_key: env:LAKE_KEY, secret_key: env:LAKE_SECRET"
        self.environment |= {"LAKE_KEY": "test", "LAKE_SECRET": "test"}
        self.store = f'{{kind: s3, bucket: {bucket}, prefix: copies, endpoint: "{endpoint}", {keys}}}'
        self.declare(f"profiles:\n  local:\n    store: {self.store}\n")

    def declare(self, profiles: str) -> None:
        (self.project / "startrail.yml").write_text(f"name: shop\n{profiles}")

    def bundle(self, source: str, *options: str, name: str = "sales", to: str = "made") -> Path:
        (self.project / f"sources/{name}.yml").write_text(source)
        target = self.folder / to
        arguments = ["sources", "bundle", name, "--target", "aws-lambda", "--to", str(target), "-C", str(self.project), *options]
        assert not command_line.main(arguments, standalone_mode=False)
        unpacked = self.folder / f"{to}-unpacked"
        with zipfile.ZipFile(target / f"{name}.zip") as package:
            package.extractall(unpacked)
        return unpacked

    def call(self, unpacked: Path, *events: Any, site: tuple[str, ...] = (SITE,)) -> list[Any]:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", textwrap.dedent(CHILD), str(unpacked), *site],
            input=json.dumps(events), capture_output=True, text=True, check=False, env=self.environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def there(self, prefix: str = "copies/") -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())
        keys = [each["Key"] for each in found if ".startrail/" not in each["Key"]]
        return {key.removeprefix(prefix): self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def told(self, key: str) -> dict[str, Any]:
        place = {"bucket": {"name": self.bucket}, "object": {"key": key, "size": 1, "eTag": "x", "sequencer": "01"}}
        return {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}]}

    def inbox(self) -> str:
        """A source of the bucket's own objects."""
        return (
            f'feed: {{kind: s3, bucket: {self.bucket}, prefix: in, pattern: "*.csv", endpoint: "{self.endpoint}", '
            'access_key: env:LAKE_KEY, secret_key: env:LAKE_SECRET}\nschedule: {cron: "0 3 * * *"}\n'
        )


SCHEDULED: dict[str, Any] = {
    "version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
    "time": "2026-05-01T03:00:00Z", "region": "eu-west-1", "resources": ["arn:aws:events:eu-west-1:123456789012:rule/r"],
    "detail": {},
}  # fmt: skip


def batch(**bodies: Any) -> dict[str, Any]:
    """What Lambda makes of messages of a queue."""
    shape = {"receiptHandle": "r", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:q"}
    texts = {id: body if isinstance(body, str) else json.dumps(body) for id, body in bodies.items()}
    return {"Records": [{**shape, "messageId": id, "body": text, "attributes": {}} for id, text in texts.items()]}


@pytest.fixture
def cloud(tmp_path: Path, s3_endpoint: str, s3_bucket: str) -> Cloud:
    return Cloud(tmp_path, s3_endpoint, s3_bucket)


def test_a_schedule_copies_what_is_new_and_nothing_twice(cloud: Cloud) -> None:
    cloud.put("in/a.csv", b"1")
    cloud.put("in/b.csv", b"2")
    cloud.put("in/c.txt", b"not wanted")
    function = cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies")
    first, again = cloud.call(function, SCHEDULED, {"source": "startrail.schedule"})
    assert (first, again) == ({"ok": True, "files": 2, "bytes": 2}, {"ok": True, "files": 0, "bytes": 0})
    assert cloud.there() == {"a.csv": b"1", "b.csv": b"2"}
    cloud.put("in/a.csv", b"newer")
    assert cloud.call(function, {})[0]["files"] == 1  # another process, and typed by a person
    assert cloud.there() == {"a.csv": b"newer", "b.csv": b"2"}


def test_events_copy_exactly_what_they_tell_of(cloud: Cloud) -> None:
    for name in ("a", "b c", "d", "e"):
        cloud.put(f"in/{name}.csv", name.encode())
    function = cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies")
    bridged = {
        "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3",
        "detail": {"bucket": {"name": cloud.bucket}, "object": {"key": "in/d.csv", "size": 1, "etag": "x"}},
    }  # fmt: skip
    topic = {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "7", "Message": json.dumps(cloud.told("in/a.csv"))}}]}
    answers = cloud.call(function, cloud.told("in/b+c.csv"), bridged, bridged, topic)
    assert [answer["files"] for answer in answers] == [1, 1, 0, 1]
    assert cloud.there() == {"a.csv": b"a", "b c.csv": b"b c", "d.csv": b"d"}


def test_of_a_batch_only_what_failed_comes_again(cloud: Cloud) -> None:
    for name in ("a", "b", "taken"):
        cloud.put(f"in/{name}.csv", name.encode())
    cloud.put("copies/taken.csv", b"somebody else's")
    function = cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies")
    told = {name: cloud.told(f"in/{name}.csv") for name in ("a", "b", "taken", "gone")}
    bodies: dict[str, Any] = {**told, "twice": told["a"], "strange": "hello", "tried": {"Event": "s3:TestEvent"}}
    first, second = cloud.call(function, batch(**bodies), batch(taken=told["taken"]))
    assert first == second == {"batchItemFailures": [{"itemIdentifier": "taken"}]}
    assert cloud.there() == {"a.csv": b"a", "b.csv": b"b", "taken.csv": b"somebody else's"}
    cloud.s3.delete_object(Bucket=cloud.bucket, Key="copies/taken.csv")
    assert cloud.call(function, batch(taken=told["taken"])) == [{"batchItemFailures": []}]


def test_what_is_remembered_may_be_lost_and_nothing_is_doubled(cloud: Cloud) -> None:
    cloud.put("in/a.csv", b"1")
    function = cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies")
    cloud.call(function, SCHEDULED)
    for found in cloud.s3.list_objects_v2(Bucket=cloud.bucket, Prefix="copies/.startrail/")["Contents"]:
        cloud.s3.delete_object(Bucket=cloud.bucket, Key=found["Key"])  # as if killed before it was written
    cloud.call(function, SCHEDULED)
    assert cloud.there() == {"a.csv": b"1"}


def test_a_failure_is_raised_so_that_it_is_tried_again(cloud: Cloud) -> None:
    cloud.put("in/a.csv", b"1")
    cloud.put("copies/a.csv", b"somebody else's")
    function = cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies")
    answers = cloud.call(function, SCHEDULED, cloud.told("in/a.csv"), {"detail-type": "EC2 State"}, [1], {"Records": [{}]})
    assert [answer["raised"][:5] for answer in answers] == ["ST250", "ST250", "ST258", "ST258", "ST258"]


def test_secrets_come_from_the_parameter_store_and_stand_nowhere_else(cloud: Cloud, ftp_server: FtpServer) -> None:
    (ftp_server.root / "a.csv").write_bytes(b"1")
    address = f"host: 127.0.0.1, port: {ftp_server.port}, user: {USER}, timeout: 60s"
    declared = f'feed: {{kind: ftp, {address}, password: "file:secret.txt"}}\nschedule: {{cron: "0 3 * * *"}}\n'
    (cloud.project / "secret.txt").write_text("never-in-a-package")
    function = cloud.bundle(declared, "--copy-to", f"s3://{cloud.bucket}/copies")
    names = ["LAKE_KEY", "LAKE_SECRET", "SECRET_TXT"]
    assert [answer["raised"][:5] for answer in cloud.call(function, {})] == ["ST220"]
    parameters = client("ssm", cloud.endpoint)
    for name, value in zip(names, ["test", "test", PASSWORD], strict=True):
        parameters.put_parameter(Name=f"/startrail/shop/sales/{name}", Value=value, Type="SecureString", Overwrite=True)
        cloud.environment.pop(name, None)
    assert cloud.call(function, {})[0]["files"] == 1
    assert cloud.there() == {"a.csv": b"1"}
    written = b"".join(path.read_bytes() for path in [*function.rglob("*"), *(cloud.folder / "made").iterdir()] if path.is_file())
    assert b"never-in-a-package" not in written
    assert PASSWORD.encode() not in written
    assert b"parameter/startrail/shop/sales/SECRET_TXT" in written


def test_an_ssh_server_is_copied_from_with_what_is_in_the_package(cloud: Cloud, sftp_server: SftpServer) -> None:
    (sftp_server.root / "a.csv").write_bytes(b"1" * 3_000_000)
    (cloud.project / "known").write_text(f"[127.0.0.1]:{sftp_server.port} {sftp_server.public_key}\n")
    cloud.environment["SSH_PASSWORD"] = SSH_PASSWORD
    address = f"host: 127.0.0.1, port: {sftp_server.port}, user: {SSH_USER}, path: /, known_hosts: known"
    declared = f'feed: {{kind: sftp, {address}, password: env:SSH_PASSWORD}}\nschedule: {{cron: "0 3 * * *"}}\n'
    function = cloud.bundle(declared, "--copy-to", f"s3://{cloud.bucket}/copies")
    assert cloud.call(function, {}) == [{"ok": True, "files": 1, "bytes": 3_000_000}]
    assert cloud.there() == {"a.csv": b"1" * 3_000_000}


def test_landing_goes_into_the_profiles_store_under_its_ledger(
    cloud: Cloud, postgres_dsn: str, postgres_schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        cloud.put(f"in/{name}.csv", name.encode())
    ledger = f'{{kind: postgres, dsn: env:LEDGER_DSN, schema: "{postgres_schema}"}}'
    cloud.declare(f"profiles:\n  local:\n    store: {cloud.store}\n    ledger: {ledger}\n")
    cloud.environment["LEDGER_DSN"] = postgres_dsn
    function = cloud.bundle(cloud.inbox())
    first, second, third = cloud.call(function, batch(a=cloud.told("in/a.csv"), odd="hello"), SCHEDULED, SCHEDULED)
    assert (first, second["files"], third["files"]) == ({"batchItemFailures": []}, 2, 0)
    with contextlib.closing(open_ledger(postgres_dsn, schema=postgres_schema)) as opened:
        assert [delivery.name for delivery in opened.deliveries("sales")] == ["a.csv", "b.csv", "c.csv"]
        assert [run.state for run in opened.runs()] == ["done", "done", "done"]
        assert len(list(opened.facts(kind="source.message_set_aside", subject="sales"))) == 1
        assert opened.verify().altered is None
    assert sorted(cloud.there("copies/landing/").values()) == [b"a", b"b", b"c"]
    for name in ("LAKE_KEY", "LAKE_SECRET", "LEDGER_DSN"):
        monkeypatch.setenv(name, cloud.environment[name])
    assert not command_line.main(["sources", "status", "-C", str(cloud.project)], standalone_mode=False)


FEEDS = {
    "ftp": "kind: ftp, host: h.example",
    "sftp": "kind: sftp, host: h.example, user: u, password: env:P, host_key: ssh-ed25519 AAAA",
    "s3": "kind: s3, bucket: b",
    "http": 'kind: http, url: "https://h.example/x"',
    "postgres": "kind: postgres, dsn: env:P, table: t",
}


@pytest.mark.parametrize("kind", FEEDS)
def test_every_kind_of_feed_finds_all_it_imports(cloud: Cloud, kind: str) -> None:
    ledger = "{kind: postgres, dsn: env:LEDGER_DSN}"
    cloud.declare(f"profiles:\n  local:\n    store: {cloud.store}\n    ledger: {ledger}\n")
    declared = f'feed: {{{FEEDS[kind]}}}\nschedule: {{cron: "0 3 * * *"}}\n'
    whole = """
        import pkgutil, sys
        unpacked, site = sys.argv[1:]
        sys.path[:] = [unpacked, *(path for path in sys.path if "site-packages" not in path), site]
        import startrail
        names = [found.name for found in pkgutil.walk_packages(startrail.__path__, "startrail.")]
        for name in names:
            __import__(name)
        tops = {name.partition(".")[0] for name in sys.modules}
        print(len(names), *sorted(tops & {"duckdb", "pyarrow", "sqlglot", "click", "yaml"}))
    """
    function = cloud.bundle(declared)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", textwrap.dedent(whole), str(function), SITE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    count, *heavy = done.stdout.split()
    assert int(count) > 50
    assert heavy == []


def test_the_same_declarations_are_the_same_bytes(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies")
    monkeypatch.setenv("LAKE_KEY", secrets.token_hex(8))
    monkeypatch.chdir(tmp_path)
    cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies", to="again")
    for name in ("sales.zip", "main.tf.json", "requirements.txt"):
        assert (cloud.folder / "made" / name).read_bytes() == (cloud.folder / "again" / name).read_bytes()


def test_with_the_packages_of_others_in_it_nothing_else_is_needed(cloud: Cloud) -> None:
    cloud.put("in/a.csv", b"1")
    function = cloud.bundle(cloud.inbox(), "--copy-to", f"s3://{cloud.bucket}/copies", "--vendor")
    assert cloud.call(function, SCHEDULED, site=()) == [{"ok": True, "files": 1, "bytes": 1}]
    package = cloud.folder / "made/sales.zip"
    assert package.stat().st_size < 50 << 20

"""``startrail run`` and ``startrail sources`` on real servers: SFTP, FTPS, S3 and PostgreSQL, from a project folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import obstore
import psycopg
import pytest
from click.testing import CliRunner, Result
from obstore.store import S3Store as Bucket
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.sftp import SSH_USER, SftpServer

from startrail.cli.app import root as cli

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: readings
version: 1.0.0
status: active
schema:
  - name: readings
    properties:
      - {name: sensor, logicalType: string, required: true}
      - {name: celsius, logicalType: number, physicalType: "decimal(5,1)"}
"""


class Folder:
    """A project whose one source is ``far``."""

    def __init__(self, root: Path, feed: dict[str, Any]) -> None:
        self.root = root
        (root / "sources").mkdir(parents=True)
        (root / "contracts").mkdir()
        (root / "startrail.yml").write_text("name: far\n")
        (root / "contracts" / "readings.odcs.yml").write_text(CONTRACT)
        declared = {"feed": feed, "contract": "readings", "into": "raw.far"}
        (root / "sources" / "far.yml").write_text(json.dumps(declared))

    def call(self, *words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(cli, [*words, "-C", str(self.root)], standalone_mode=False)
        assert done.exception is None or words[0] == "sources", done.output
        assert done.exception is not None or done.return_value == code, done.output
        return done

    def lands(self) -> None:
        """Looks change nothing; a run lands and loads each file once; another one nothing."""
        tested = self.call("sources", "test", "far")
        assert "would land" in tested.output
        assert "Nothing was landed" in tested.stderr
        assert "roof" in self.call("sources", "peek", "far").output
        assert "nothing landed yet" in self.call("sources", "status").output
        first = self.call("run").output
        assert "2 rows in = 2 loaded" in first
        assert "1 delivery" in self.call("sources", "status").output
        assert "landed" not in self.call("run").output
        assert "0 to land" in self.call("sources", "test", "far").stderr


CSV = b"sensor,celsius\nroof,18.5\ncellar,11.0\n"


def test_from_sftp(sftp_server: SftpServer, tmp_path: Path) -> None:
    (sftp_server.root / "out").mkdir()
    (sftp_server.root / "out" / "week18.csv").write_bytes(CSV)
    (tmp_path / "key").write_text(sftp_server.private_client_key)
    feed = {"kind": "sftp", "host": "127.0.0.1", "port": sftp_server.port, "user": SSH_USER, "path": "/out", "pattern": "*.csv"}
    folder = Folder(tmp_path / "p", feed | {"key": f"file:{tmp_path / 'key'}", "host_key": sftp_server.public_key})
    folder.lands()
    assert f"{SSH_USER}@127.0.0.1:/out/*.csv" in folder.call("sources", "list").output


def test_from_ftps(explicit_ftps_server: FtpServer, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAR_PASSWORD", PASSWORD)
    (explicit_ftps_server.root / "week18.csv").write_bytes(CSV)
    feed = {"kind": "ftps", "host": "127.0.0.1", "port": explicit_ftps_server.port, "user": USER, "password": "env:FAR_PASSWORD"}
    Folder(tmp_path / "p", feed | {"ca_file": str(certificate)}).lands()


def test_from_s3(s3_endpoint: str, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAR_KEY", "test")
    keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint": s3_endpoint}
    bucket = Bucket(s3_bucket, region="us-east-1", client_options={"allow_http": True}, **keys)
    obstore.put(bucket, "out/week18.csv", CSV)
    obstore.put(bucket, "outside.csv", b"not,ours\n")
    feed = {"kind": "s3", "bucket": s3_bucket, "prefix": "out", "endpoint": s3_endpoint}
    Folder(tmp_path / "p", feed | {"access_key": "env:FAR_KEY", "secret_key": "env:FAR_KEY"}).lands()


def test_from_postgres(postgres_dsn: str, postgres_schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAR_DSN", postgres_dsn)
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(f'create schema "{postgres_schema}"')  # type: ignore[arg-type]
        connection.execute(f'create table "{postgres_schema}".readings (sensor text, celsius numeric)')  # type: ignore[arg-type]
        connection.execute(f"""insert into "{postgres_schema}".readings values ('roof', 18.5), ('cellar', 11.0)""")  # type: ignore[arg-type]
    feed = {"kind": "postgres", "dsn": "env:FAR_DSN", "table": f"{postgres_schema}.readings"}
    folder = Folder(tmp_path / "p", feed)
    assert "would land" in folder.call("sources", "test", "far").output
    assert "2 rows in = 2 loaded" in folder.call("run").output
    assert "landed" not in folder.call("run").output


def test_a_source_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "p", {"kind": "folder", "path": "in"})
    for words in (("test", "fat"), ("peek", "fat")):
        done = folder.call("sources", *words)
        assert "ST230" in str(done.exception)
        assert "did you mean 'far'" in str(done.exception)

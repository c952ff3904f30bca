"""What Terraform is told of a function: every reference resolves, and every right is on exactly one thing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.capabilities.sources.bundle.plan import FunctionPlan, Trigger, plan_function
from startrail.capabilities.sources.bundle.terraform import Shape, terraform
from startrail.model.profile import PostgresLedger, Profile, S3Store
from startrail.model.project import Project
from startrail.model.schedule import Schedule
from startrail.model.source import Feed, FolderFeed, FtpFeed, HttpFeed, OAuth, S3Events, S3Feed, SftpFeed, Source

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/drops"
CLOUD = Profile(ledger=PostgresLedger("env:LEDGER_DSN"), store=S3Store("lake", "startrail", region="eu-west-1"))
NIGHTLY = Schedule("0 3 * * *", "Europe/Madrid")
FTP = FtpFeed("h.example", password="file:~/.secrets/ftp.txt")
DROPS = S3Feed("drops", "in/here", queue=QUEUE)


def plan(
    feed: Feed,
    *,
    to: S3Store | None = None,
    trigger: Trigger | None = None,
    schedule: Schedule | None = NIGHTLY,
    profile: Profile = CLOUD,
) -> FunctionPlan:
    source = Source("sales", feed, Span("sources/sales.yml"), schedule=schedule)
    project = Project("my shop", "/x", {"prod": profile}, {"sales": source}, {}, {}, {}, {})
    return plan_function(project, profile, "prod", source, to, trigger)


def told(found: FunctionPlan) -> dict[str, Any]:
    return json.loads(terraform(found, Shape("sales.zip", "python3.11", "x86_64", False, 900, 512)))


def statements(whole: dict[str, Any], document: str = "source") -> dict[str, dict[str, Any]]:
    return {each["sid"]: each for each in whole["data"]["aws_iam_policy_document"][document]["statement"]}


PLANS: dict[str, Any] = {
    "landing on schedule": lambda: plan(FTP),
    "landing by queue": lambda: plan(DROPS),
    "copying by queue alone": lambda: plan(DROPS, to=S3Store("other", "copies"), schedule=None),
    "copying by notification": lambda: plan(S3Feed("drops", "in"), to=S3Store("other"), trigger="s3"),
    "two schedules": lambda: plan(FTP, schedule=Schedule("0 3 1 * 1")),
}


@pytest.mark.parametrize("name", PLANS)
def test_every_reference_resolves(name: str) -> None:
    whole = told(PLANS[name]())
    declared = {f"{kind}.{name}" for kind, things in whole["resource"].items() for name in things}
    declared |= {f"data.{kind}.{name}" for kind, things in whole["data"].items() for name in things}
    declared |= {f"var.{name}" for name in whole["variable"]}
    used = set(_references(whole["resource"])) | set(_references(whole["data"])) | set(_references(whole["output"]))
    assert used <= declared, used - declared
    assert {each for each in declared if each.startswith(("data.", "var."))} - {"var.log_days"} <= used


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from [inner] if isinstance(inner, str) and re.fullmatch(r"aws_\w+\.\w+", inner) else _references(inner)
    elif isinstance(value, str):
        for inside in re.findall(r"\$\{([^{}]*)\}", value):
            yield from re.findall(r"(?:data\.)?aws_\w+\.\w+|var\.\w+", inside)


@pytest.mark.parametrize("name", PLANS)
def test_no_right_is_on_more_than_it_needs(name: str) -> None:
    whole = told(PLANS[name]())
    for document in ("source", "scheduler"):
        if document not in whole["data"]["aws_iam_policy_document"]:
            continue
        for sid, statement in statements(whole, document).items():
            assert all("*" not in action for action in statement["actions"]), sid
            for resource in statement["resources"]:
                assert resource.count("*") == resource.endswith(("/*", ":*")), (sid, resource)
                assert "*" not in resource or sid in ("ReadSource", "WriteTarget", "TidyTarget", "Log"), (sid, resource)


def test_landing_by_queue_may_exactly_this() -> None:
    here = "arn:${data.aws_partition.current.partition}"
    found = {
        (action, resource)
        for statement in statements(told(plan(DROPS))).values()
        for action in statement["actions"]
        for resource in statement["resources"]
    }
    landing, aside = f"{here}:s3:::lake/startrail/landing/*", f"{here}:s3:::lake/startrail/.scratch/*"
    queue = f"{here}:sqs:eu-west-1:123456789012:drops"
    parameter = (
        f"{here}:ssm:${{data.aws_region.current.region}}:${{data.aws_caller_identity.current.account_id}}"
        ":parameter/startrail/my-shop/sales/LEDGER_DSN"
    )
    takes = ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes")
    assert found == {
        ("s3:ListBucket", f"{here}:s3:::drops"),
        ("s3:GetObject", f"{here}:s3:::drops/in/here/*"),
        ("s3:GetObjectVersion", f"{here}:s3:::drops/in/here/*"),
        ("s3:ListBucket", f"{here}:s3:::lake"),
        *((f"s3:{action}", place) for action in ("PutObject", "GetObject", "AbortMultipartUpload") for place in (landing, aside)),
        ("s3:DeleteObject", aside),
        *((f"sqs:{action}", queue) for action in takes),
        ("logs:CreateLogStream", "${aws_cloudwatch_log_group.source.arn}:*"),
        ("logs:PutLogEvents", "${aws_cloudwatch_log_group.source.arn}:*"),
        ("sqs:SendMessage", "${aws_sqs_queue.dead_letters.arn}"),
        ("ssm:GetParameters", parameter),
    }  # fmt: skip
    condition = {"test": "StringLikeIfExists", "variable": "s3:prefix", "values": ["in/here/*"]}
    assert statements(told(plan(DROPS)))["ListSource"]["condition"] == [condition]


def test_a_server_elsewhere_takes_no_rights_of_the_role() -> None:
    assert {"ListSource", "ReadSource"}.isdisjoint(statements(told(plan(FTP))))
    assert "ReadSource" not in statements(told(plan(S3Feed("drops", endpoint="https://minio.example", access_key="env:K"))))


def test_a_schedule_has_its_zone_and_a_role_that_may_call_and_no_more() -> None:
    whole = told(plan(FTP))
    (schedule,) = whole["resource"]["aws_scheduler_schedule"].values()
    assert schedule["schedule_expression"] == "cron(0 3 * * ? *)"
    assert schedule["schedule_expression_timezone"] == "Europe/Madrid"
    assert set(statements(whole, "scheduler")) == {"Call", "TellFailures"}
    assert len(told(plan(FTP, schedule=Schedule("0 3 1 * 1")))["resource"]["aws_scheduler_schedule"]) == 2


def test_one_call_at_a_time_unless_a_queue_calls() -> None:
    function = told(plan(FTP))["resource"]["aws_lambda_function"]["source"]
    assert (function["reserved_concurrent_executions"], function["timeout"], function["memory_size"]) == (1, 900, 512)
    by_queue = told(plan(DROPS))["resource"]
    assert by_queue["aws_lambda_function"]["source"]["reserved_concurrent_executions"] == 2
    mapping = by_queue["aws_lambda_event_source_mapping"]["queue"]
    assert mapping["function_response_types"] == ["ReportBatchItemFailures"]
    assert mapping["scaling_config"] == {"maximum_concurrency": 2}
    assert plan(DROPS).triggers == ("queue", "schedule")  # the schedule lists, for what the queue lost


def test_a_notification_is_let_in_from_this_bucket_alone() -> None:
    whole = told(plan(S3Feed("drops", "in"), to=S3Store("other"), trigger="s3"))["resource"]
    permission = whole["aws_lambda_permission"]["bucket"]
    assert permission["source_arn"].endswith(":s3:::drops")
    assert permission["source_account"] == "${data.aws_caller_identity.current.account_id}"
    assert whole["aws_s3_bucket_notification"]["bucket"]["lambda_function"][0]["filter_prefix"] == "in/"


def test_every_secret_is_a_parameter_and_the_bundle_knows_its_name_only() -> None:
    http = HttpFeed(
        "https://h.example/x",
        headers={"Authorization": "Bearer keyring:shop_token", "X-Plain": "yes"},
        oauth=OAuth("https://h.example/token", "me", "env:AWS_SHOP"),
    )
    bundle = plan(http).bundle
    assert bundle.secrets == ("LEDGER_DSN", "SHOP_TOKEN", "SOURCE_AWS_SHOP")
    feed = bundle.source.feed
    assert isinstance(feed, HttpFeed)
    assert feed.oauth is not None
    assert feed.headers == {"Authorization": "Bearer env:SHOP_TOKEN", "X-Plain": "yes"}
    assert feed.oauth.client_secret == "env:SOURCE_AWS_SHOP"
    assert plan(FTP).bundle.secrets == ("FTP_TXT", "LEDGER_DSN")
    again = msgspec.json.decode(msgspec.json.encode(bundle), type=type(bundle))
    assert again == bundle


def test_the_environments_own_keys_are_the_roles() -> None:
    feed = S3Feed("drops", access_key="env:AWS_ACCESS_KEY_ID", secret_key="env:AWS_SECRET_ACCESS_KEY")
    found = plan(feed)
    assert isinstance(found.bundle.source.feed, S3Feed)
    assert found.bundle.source.feed.access_key is None
    assert found.bundle.secrets == ("LEDGER_DSN",)
    assert "ReadSource" in statements(told(found))


REFUSED: dict[str, tuple[Any, str]] = {
    "a folder": (lambda: plan(FolderFeed("in")), "ST247"),
    "a local profile": (lambda: plan(FTP, profile=Profile()), "ST247"),
    "a ledger in a file": (lambda: plan(FTP, profile=Profile(store=S3Store("lake"))), "ST247"),
    "pages to copy": (lambda: plan(HttpFeed("https://h.example/x"), to=S3Store("lake")), "ST247"),
    "known hosts at home": (lambda: plan(SftpFeed("h.example", "u", key="env:K")), "ST247"),
    "an agent": (lambda: plan(SftpFeed("h.example", "u", host_key="ssh-ed25519 AAAA")), "ST247"),
    "a file outside": (lambda: plan(SftpFeed("h.example", "u", key="env:K", known_hosts="~/.ssh/known_hosts")), "ST247"),
    "a cron without equal": (lambda: plan(FTP, schedule=Schedule("0 0 LW * *")), "ST247"),
    "objects of a server": (lambda: plan(FTP, trigger="s3"), "ST247"),
    "nothing calls": (lambda: plan(FTP, schedule=None), "ST248"),
    "a queue elsewhere": (
        lambda: plan(S3Feed("b", events=S3Events("http://localhost:9324/q")), schedule=None, trigger="queue"),
        "ST248",
    ),
    "where it reads": (lambda: plan(S3Feed("lake", "a"), to=S3Store("lake", "a/copies"), trigger="s3"), "ST257"),
    "all of the bucket": (lambda: plan(S3Feed("lake"), to=S3Store("lake", "copies")), "ST257"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_a_function_is_told_with_a_way_out(name: str) -> None:
    make, code = REFUSED[name]
    with pytest.raises(StartrailError) as refused:
        make()
    assert (refused.value.code, bool(refused.value.hint), bool(refused.value.affects)) == (code, True, True)

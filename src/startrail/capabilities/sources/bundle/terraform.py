"""The function in Terraform's JSON syntax: it and what calls it, each with the least rights.

No secret is in it, nor comes into its state: the parameters are made by a person, and named here only.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from startrail.capabilities.sources.bundle.plan import FunctionPlan
from startrail.capabilities.sources.bundle.rights import PARTITION, Right, bucket_arn, rights
from startrail.model.source import S3Feed

_SURROUNDINGS = ("aws_caller_identity", "aws_partition", "aws_region")
HANDLER = "startrail_handler.handle"
_FUNCTION = "${aws_lambda_function.source.arn}"
_DEAD = "${aws_sqs_queue.dead_letters.arn}"
_ACCOUNT = "${data.aws_caller_identity.current.account_id}"
_REGION = "${data.aws_region.current.region}"


class Shape(msgspec.Struct, frozen=True):
    """What the function runs on. ``package``: name of the zip; ``vendored``: other people's packages are in it."""

    package: str
    runtime: str
    architecture: str
    vendored: bool
    seconds: int
    memory: int


def terraform(plan: FunctionPlan, shape: Shape) -> str:
    """The text of ``main.tf.json``, which stands beside the package."""
    source = plan.bundle.source
    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"startrail-{plan.bundle.project}-{source.name}")[:59].rstrip("-")
    resources: dict[str, dict[str, Any]] = {
        "aws_cloudwatch_log_group": {"source": {"name": f"/aws/lambda/{name}", "retention_in_days": "${var.log_days}"}},
        "aws_sqs_queue": {
            "dead_letters": {"name": f"{name}-dead", "message_retention_seconds": 1209600, "sqs_managed_sse_enabled": True}
        },
        "aws_iam_role": {"source": _role(name, "lambda.amazonaws.com", "lambda_trust")},
        "aws_iam_role_policy": {"source": _policy("source", "source")},
        "aws_lambda_function": {"source": _function(plan, name, shape)},
        "aws_iam_role_policy_attachment": {
            "network": {
                "count": "${length(var.subnet_ids) > 0 ? 1 : 0}",
                "role": "${aws_iam_role.source.name}",
                "policy_arn": f"arn:{PARTITION}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            }
        },
    }
    documents = {"lambda_trust": _trust("lambda.amazonaws.com"), "source": _document(_own_rights(plan))}
    if "schedule" in plan.triggers:
        _add_schedules(plan, name, resources, documents)
    if "queue" in plan.triggers:
        resources["aws_lambda_event_source_mapping"] = {"queue": _mapping(plan)}
    if "s3" in plan.triggers:
        _add_notification(plan, resources)
    return _written(resources, documents, vendored=shape.vendored)


def _written(resources: dict[str, Any], documents: dict[str, Any], *, vendored: bool) -> str:
    variables: dict[str, Any] = {
        "log_days": {"type": "number", "default": 90, "description": "How long the function's log is kept."},
        "subnet_ids": _list("Subnets, when what the function reaches is in a network of your own."),
        "security_group_ids": _list("Security groups in that network."),
    }
    if not vendored:
        variables["layers"] = {"type": "list(string)", "description": "ARNs of layers with the packages of requirements.txt."}
    whole: dict[str, Any] = {
        "terraform": {
            "required_version": ">= 1.5",
            "required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.0, < 7.0"}},
        },
        "variable": variables,
        "data": {
            **{name: {"current": {}} for name in _SURROUNDINGS},
            "aws_iam_policy_document": documents,
        },
        "resource": resources,
        "output": {
            "function": {"value": _FUNCTION, "description": "ARN of the function."},
            "dead_letters": {"value": _DEAD, "description": "ARN of the queue of calls that failed for good."},
        },
    }
    said = json.dumps(whole)
    asked = {name: whole["data"].pop(name) for name in _SURROUNDINGS}
    whole["data"] |= {name: value for name, value in asked.items() if f"data.{name}." in said}
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


def _list(description: str) -> dict[str, Any]:
    return {"type": "list(string)", "default": [], "description": description}


def _function(plan: FunctionPlan, name: str, shape: Shape) -> dict[str, Any]:
    package = f"${{path.module}}/{shape.package}"
    return {
        "function_name": name,
        "description": f"Startrail: {plan.bundle.mode} {plan.bundle.source.name}",
        "role": "${aws_iam_role.source.arn}",
        "filename": package,
        "source_code_hash": f'${{filebase64sha256("{package}")}}',
        "handler": HANDLER,
        "runtime": shape.runtime,
        "architectures": [shape.architecture],
        "memory_size": shape.memory,
        "timeout": shape.seconds,
        "layers": [] if shape.vendored else "${var.layers}",
        "ephemeral_storage": {"size": 512},
        "reserved_concurrent_executions": 2 if "queue" in plan.triggers else 1,
        "dead_letter_config": {"target_arn": _DEAD},
        "vpc_config": {"subnet_ids": "${var.subnet_ids}", "security_group_ids": "${var.security_group_ids}"},
        "logging_config": {"log_format": "Text", "log_group": "${aws_cloudwatch_log_group.source.name}"},
        "depends_on": ["aws_iam_role_policy.source"],
    }


def _own_rights(plan: FunctionPlan) -> tuple[Right, ...]:
    own = [
        *rights(plan.bundle),
        Right("Log", ("logs:CreateLogStream", "logs:PutLogEvents"), ("${aws_cloudwatch_log_group.source.arn}:*",)),
        Right("TellFailures", ("sqs:SendMessage",), (_DEAD,)),
    ]
    if plan.bundle.secrets:
        start = f"arn:{PARTITION}:ssm:{_REGION}:{_ACCOUNT}:parameter{plan.bundle.parameters}"
        own.append(Right("ReadSecrets", ("ssm:GetParameters",), tuple(start + name for name in plan.bundle.secrets)))
    return tuple(own)


def _role(name: str, service: str, trust: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"What {service} may for {name}",
        "assume_role_policy": f"${{data.aws_iam_policy_document.{trust}.json}}",
    }


def _policy(role: str, document: str) -> dict[str, Any]:
    return {
        "name": "startrail",
        "role": f"${{aws_iam_role.{role}.id}}",
        "policy": f"${{data.aws_iam_policy_document.{document}.json}}",
    }


def _trust(service: str, *, from_here: bool = False) -> dict[str, Any]:
    condition = {"test": "StringEquals", "variable": "aws:SourceAccount", "values": [_ACCOUNT]}
    statement: dict[str, Any] = {
        "actions": ["sts:AssumeRole"],
        "principals": [{"type": "Service", "identifiers": [service]}],
    }
    return {"statement": [{**statement, "condition": [condition]} if from_here else statement]}


def _document(allowed: tuple[Right, ...]) -> dict[str, Any]:
    return {"statement": [_statement(right) for right in allowed]}


def _statement(right: Right) -> dict[str, Any]:
    said: dict[str, Any] = {"sid": right.sid, "actions": list(right.actions), "resources": list(right.resources)}
    if right.condition is not None:
        operator, key, values = right.condition
        said["condition"] = [{"test": operator, "variable": key, "values": list(values)}]
    return said


def _add_schedules(plan: FunctionPlan, name: str, resources: dict[str, Any], documents: dict[str, Any]) -> None:
    calling = (
        Right("Call", ("lambda:InvokeFunction",), (_FUNCTION,)),
        Right("TellFailures", ("sqs:SendMessage",), (_DEAD,)),
    )
    documents["scheduler_trust"] = _trust("scheduler.amazonaws.com", from_here=True)
    documents["scheduler"] = _document(calling)
    resources["aws_iam_role"]["scheduler"] = _role(f"{name[:53]}-scheduler", "scheduler.amazonaws.com", "scheduler_trust")
    resources["aws_iam_role_policy"]["scheduler"] = _policy("scheduler", "scheduler")
    resources["aws_scheduler_schedule"] = {
        f"schedule_{number}": {
            "name": f"{name}-{number}",
            "schedule_expression": cron,
            "schedule_expression_timezone": plan.timezone,
            "flexible_time_window": {"mode": "OFF"},
            "target": {
                "arn": _FUNCTION,
                "role_arn": "${aws_iam_role.scheduler.arn}",
                "input": '{"source":"startrail.schedule"}',
                "dead_letter_config": {"arn": _DEAD},
                "retry_policy": {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 3},
            },
        }
        for number, cron in enumerate(plan.crons, start=1)
    }


def _mapping(plan: FunctionPlan) -> dict[str, Any]:
    return {
        "event_source_arn": plan.queue,
        "function_name": _FUNCTION,
        "batch_size": 10,
        "maximum_batching_window_in_seconds": 5,
        "function_response_types": ["ReportBatchItemFailures"],
        "scaling_config": {"maximum_concurrency": 2},  # the least there is
        "depends_on": ["aws_iam_role_policy.source"],
    }


def _add_notification(plan: FunctionPlan, resources: dict[str, Any]) -> None:
    feed = plan.bundle.source.feed
    assert isinstance(feed, S3Feed)
    prefix = feed.prefix.strip("/")
    told: dict[str, Any] = {"lambda_function_arn": _FUNCTION, "events": ["s3:ObjectCreated:*"]}
    if prefix:
        told["filter_prefix"] = f"{prefix}/"
    resources["aws_lambda_permission"] = {
        "bucket": {
            "action": "lambda:InvokeFunction",
            "function_name": _FUNCTION,
            "principal": "s3.amazonaws.com",
            "source_arn": bucket_arn(feed.bucket),
            "source_account": _ACCOUNT,
        }
    }
    resources["aws_s3_bucket_notification"] = {
        "bucket": {"bucket": feed.bucket, "lambda_function": [told], "depends_on": ["aws_lambda_permission.bucket"]}
    }

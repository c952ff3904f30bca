"""A metric as the text of its file in ``metrics/``."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from startrail.base.text import printable
from startrail.model.metric import Metric

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_.()/-]+)*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])


def declaration(metric: Metric, remarks: tuple[str, ...] = ()) -> str:
    """YAML that reads back as the metric; ``remarks`` stand above as comments."""
    lines = [f"# {_no_template(printable(remark, 300))}" for remark in remarks]
    for key, value in said(metric).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{key}:")
            lines += [f"  - {_flow(item)}" for item in value]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def path_of(metric: Metric) -> str:
    """``finance.net_revenue`` -> ``finance/net_revenue.yml``."""
    return metric.name.replace(".", "/") + ".yml"


def said(value: msgspec.Struct) -> dict[str, Any]:
    """The fields that differ from their defaults, nested ones too, as values of JSON."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        always = field.required or (field.name == "agg" and getattr(value, "sql", None) is None)
        if field.name != "span" and (always or item != field.default):
            found[field.encode_name] = _plain(item)
    return found


def _plain(item: Any) -> Any:
    if isinstance(item, msgspec.Struct):
        return said(item)
    return [_plain(each) for each in item] if isinstance(item, list | tuple) else item


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return "".join(
        char if char.isprintable() else f"\\U{ord(char):08x}" for char in _no_template(json.dumps(value, ensure_ascii=False))
    )


def _no_template(text: str) -> str:
    """Marks of templates, which no reader of declarations lets pass, in another spelling."""
    return re.sub(r"\{(?=[{%#])", r"\\x7b", text)

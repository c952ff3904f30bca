"""Any service that the package apprise speaks to. It is an extra, and imported only when something is to be sent."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from typing import Any

from startrail.adapters.alerts.errors import AppriseMissing, BadAppriseUrl
from startrail.model.alert import Action, Alert, Later, Sent, Severity

_TYPES: dict[Severity, str] = {"page": "failure", "error": "failure", "warning": "warning", "info": "info"}
_WORDS: dict[Action, str] = {"trigger": "", "acknowledge": "acknowledged: ", "resolve": "resolved: ", "change": "changed: "}
_MOST_DETAILS = 12


class AppriseNotifier:
    """One URL. ``name`` is the endpoint's, since the URL is a secret. apprise reports no more than that it failed."""

    def __init__(self, name: str, url: str, timeout: float) -> None:
        self.name = name
        self._service = _service(name, url, timeout)

    def send(self, alert: Alert, delivery_id: str) -> Sent | Later:
        title, body = message(alert, delivery_id)
        kind = "success" if alert.action == "resolve" else _TYPES[alert.severity]
        try:
            taken = self._service.notify(body=body, title=title, notify_type=kind, body_format="text")
        except Exception as error:  # of a hundred services, each raises what it likes; its text may hold the URL
            return Later(f"{self.name}: apprise stumbled over a {type(error).__name__}")
        return Sent() if taken else Later(f"{self.name}: apprise could not hand it over")


def message(alert: Alert, delivery_id: str) -> tuple[str, str]:
    """Title and text."""
    lines = [alert.text] if alert.text else []
    lines += [f"{name}: {value}" for name, value in list(alert.details.items())[:_MOST_DETAILS]]
    lines += [alert.link] if alert.link else []
    lines += [f"{alert.source}, delivery {delivery_id[:12]}"]
    return f"[{alert.severity}] {_WORDS[alert.action]}{alert.title}", "\n".join(lines)


def _service(name: str, url: str, timeout: float) -> Any:
    try:
        package = import_module("apprise")
    except ImportError as error:
        raise AppriseMissing(
            f"endpoint {name} needs the package apprise, which is not installed",
            affects="alerts to it, which wait",
            hint="pip install 'startrail[alerts]'",
        ) from error
    _silence()
    asset = package.AppriseAsset(async_mode=False, storage_mode="memory", app_id="Startrail", app_desc="Startrail")
    # Of the URL itself nothing may be said, so apprise's own complaints about it go nowhere.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its plugins import
        service = package.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        raise BadAppriseUrl(
            f"the secret behind endpoint {name} is no URL that apprise knows",
            affects="alerts to it, which wait",
            hint="compare it with the services that apprise documents",
        )
    service.socket_connect_timeout = service.socket_read_timeout = timeout
    outer = package.Apprise(asset=asset)
    outer.add(service)
    return outer


def _silence() -> None:
    """It logs URLs, which are secrets; without a handler Python would print them to the terminal."""
    logger = logging.getLogger("apprise")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    logger.propagate = False

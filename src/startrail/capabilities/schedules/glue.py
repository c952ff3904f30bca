"""Files that make schedules run: they only start Startrail, which knows what is due."""

from __future__ import annotations

import json
import re
import shlex
from typing import Literal

import msgspec

from startrail.capabilities.schedules.errors import CannotInstall

Target = Literal["systemd", "cron", "k8s", "github"]


class Place(msgspec.Struct, frozen=True):
    """What the glue is written for. ``program`` and ``root`` are absolute paths; ``image`` is for containers."""

    project: str
    root: str
    program: str
    profile: str
    user: str
    image: str | None = None


class Glue(msgspec.Struct, frozen=True):
    """Files by their names, and what a person does with them."""

    files: dict[str, str]
    next: tuple[str, ...]


def glue(target: Target, place: Place) -> Glue:
    """Raises CannotInstall."""
    for text in (place.root, place.program, place.project, place.profile, place.user, place.image or ""):
        if re.search(r"[\x00-\x1f\x7f]", text):
            raise CannotInstall(
                f"{json.dumps(text)} holds a control character, which no unit and no crontab can carry",
                affects="nothing was written",
                hint="rename the folder, or install from another place",
            )
    return {"systemd": _systemd, "cron": _cron, "k8s": _k8s, "github": _github}[target](place)


def _name(place: Place) -> str:
    """Lower-case letters, digits and hyphens, as a unit and a DNS label want it."""
    return ("startrail-" + (re.sub(r"[^a-z0-9]+", "-", place.project.lower()).strip("-") or "project"))[:50].strip("-")


def _systemd(place: Place) -> Glue:
    name = _name(place)
    start = " ".join(_word(word) for word in (place.program, "serve", "--profile", place.profile))
    text = f"""\
[Unit]
Description=Startrail schedules of {_specifiers(place.project)}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={_specifiers(place.user)}
WorkingDirectory={_specifiers(place.root)}
# Values of env:NAME references stand here, one NAME=VALUE per line; the file may be missing.
EnvironmentFile=-/etc/startrail/{name}.env
ExecStart={start}
Restart=always
RestartSec=30
# A run that is going comes to its end; one that is killed after that is taken over at the next start.
KillMode=mixed
TimeoutStopSec=15min

[Install]
WantedBy=multi-user.target
"""
    unit = f"{name}.service"
    return Glue(
        {unit: text},
        (f"cp {unit} /etc/systemd/system/", "systemctl daemon-reload", f"systemctl enable --now {unit}"),
    )


def _word(text: str) -> str:
    """A word of ExecStart: quoted, with nothing for systemd to replace."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _specifiers(quoted).replace("$", "$$") + '"'


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _cron(place: Place) -> Glue:
    log = shlex.quote(f"{place.root}/.startrail/schedules.ndjson")
    tick = f"{shlex.quote(place.program)} tick --profile {shlex.quote(place.profile)} --json"
    line = f"cd {shlex.quote(place.root)} && {tick} >> {log} 2>&1".replace("%", "\\%")
    text = (
        "# Startrail is asked every minute; it knows which schedule is due in which zone, and runs each tick once.\n"
        f"* * * * * {line}\n"
    )
    name = f"{_name(place)}.crontab"
    return Glue({name: text}, (f"(crontab -l; cat {name}) | crontab -",))


def _k8s(place: Place) -> Glue:
    if place.image is None:
        raise CannotInstall(
            "a Kubernetes file needs the image that holds the project and Startrail",
            affects="nothing was written",
            hint="add --image REGISTRY/NAME:TAG",
        )
    name = _name(place)
    text = f"""\
# The image holds the project in its working folder, and Startrail. Several replicas are fine: each tick runs once.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app.kubernetes.io/name: {name}}}
spec:
  replicas: 1
  selector:
    matchLabels: {{app.kubernetes.io/name: {name}}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: {name}}}
    spec:
      # A run that is going comes to its end; one that is killed after that is taken over.
      terminationGracePeriodSeconds: 900
      automountServiceAccountToken: false
      containers:
        - name: scheduler
          image: {json.dumps(place.image)}
          args: ["startrail", "serve", "--json", "--profile", {json.dumps(place.profile)}]
          # Values of env:NAME references.
          envFrom:
            - secretRef: {{name: {name}, optional: true}}
          securityContext: {{runAsNonRoot: true, allowPrivilegeEscalation: false}}
"""
    return Glue({f"{name}.yaml": text}, (f"kubectl apply -f {name}.yaml",))


def _github(place: Place) -> Glue:
    name = _name(place)
    text = f"""\
# GitHub starts this when it has room, often minutes late. Startrail knows what is due and runs each tick once.
name: {name}
"on":
  schedule:
    - cron: "*/5 * * * *"
  workflow_dispatch: {{}}
permissions: {{contents: read}}
concurrency: {{group: {name}, cancel-in-progress: false}}
jobs:
  tick:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - run: pip install "startrail[postgres]"
      # Values of env:NAME references: add an env: block with lines such as NAME: ${{{{ secrets.NAME }}}}
      - run: startrail tick --json --profile {shlex.quote(place.profile)}
"""
    return Glue({f".github/workflows/{name}.yml": text}, (f"git add .github/workflows/{name}.yml", "git commit", "git push"))

"""CPU seconds to read a project of 20,000 declaration lines: cold, unchanged, and plain PyYAML on the same YAML.

    python -m benchmarks project_reading [--rounds 3] [--quick]

PyYAML only parses; the reader also checks every key, value,
type and reference, and keeps the place of each.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure

SOURCE = """description: Orders of shop {n}, delivered every night as files.
owner: shop-{n}@example.com
feed:
  kind: ftp
  host: ftp{n}.example.com
  path: /out
  pattern: "orders_*.csv"
  user: startrail
  password: env:SHOP_{n}_PASSWORD
schedule: {{cron: "0 3 * * *", timezone: Europe/Madrid}}
contract: orders_{n}
into: raw.orders_{n}
partition_by: ordered_at
csv:
  delimiter: ";"
  null_words: ["", NA]
quarantine: {{retain: 400d, hold_above: 5%}}
"""
CONTRACT_HEAD = """apiVersion: v3.2.0
kind: DataContract
id: orders-{n}
version: 1.0.0
status: active
description:
  purpose: What shop {n} sold.
schema:
  - name: orders_{n}
    properties:
      - name: ordered_at
        logicalType: timestamp
        required: true
        logicalTypeOptions: {{timezone: true}}
"""
PROPERTY = """      - name: field_{i}
        description: The field of number {i}.
        logicalType: number
        physicalType: decimal(18,2)
        required: true
        logicalTypeOptions:
          minimum: 0
          maximum: 1000000.00
"""
MODEL = """/* startrail
description: What shop {n} sold, per day.
owner: finance@example.com
kind: partition
partition_by: ordered_on
grain: [ordered_on]
columns:
  revenue:
    type: decimal(18,2)
    unit: EUR
    description: net of refunds
checks:
  - not_null: [ordered_on, revenue]
  - unique: [ordered_on]
  - sql: revenue >= 0
    severity: warn
lookback: 3 days
*/
select cast(ordered_at as date) as ordered_on, sum(field_0) as revenue
from raw.orders_{n} where ordered_at >= $start and ordered_at < $end group by 1
"""
READ = """
import resource, sys, time
from pathlib import Path
way, root = sys.argv[1], Path(sys.argv[2])
class Cache:
    def __init__(self): self.file = root.parent / "cache"
    def get(self, kind, key): return self.file.read_bytes() if self.file.exists() else None
    def put(self, kind, key, value): self.file.write_bytes(value)
if way == "pyyaml":
    import yaml
    files = [*root.rglob("*.yml"), *root.rglob("*.sql")]
    start = time.process_time()
    for file in files:
        text = file.read_text()
        if file.suffix == ".sql":
            text = text.removeprefix("/* startrail").partition("*/")[0]
        yaml.load(text, Loader=yaml.CSafeLoader)
else:
    from startrail.project.load import read_project
    start = time.process_time()
    read_project(root, Cache() if way == "unchanged" else None)
    if way == "fill":
        read_project(root, Cache())
used = time.process_time() - start
print(f"{used:.3f} {time.process_time():.3f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
"""


def make(root: Path, lines: int) -> tuple[int, int]:
    """Write a project of at least so many declaration lines; returns lines and files."""
    written = files = n = 0
    put(root / "startrail.yml", "name: benchmark\n")
    while written < lines:
        contract = CONTRACT_HEAD.format(n=n) + "".join(PROPERTY.format(i=i) for i in range(8))
        texts = {
            f"sources/orders_{n}.yml": SOURCE.format(n=n),
            f"contracts/orders_{n}.odcs.yml": contract,
            f"models/marts/sales_{n}.sql": MODEL.format(n=n),
        }
        for path, text in texts.items():
            put(root / path, text)
            written += text.count("\n") - (2 if path.endswith(".sql") else 0)
        files += len(texts)
        n += 1
    return written, files


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def measure(way: str, root: Path) -> tuple[float, float, int]:
    """CPU seconds of the reading, CPU seconds of the whole process, and its peak memory in MB."""
    done = subprocess.run([sys.executable, "-c", READ, way, str(root)], check=True, capture_output=True, text=True)
    used, whole, memory = done.stdout.split()
    return float(used), float(whole), int(memory)


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """The best of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        lines, _ = make(root, 1_000 if quick else 20_000)
        measure("fill", root)
        best = {way: min(measure(way, root)[0] for _ in range(rounds)) for way in ("pyyaml", "cold", "unchanged")}
    return [
        Figure(f"parsing {lines} declaration lines with PyYAML's C parser", best["pyyaml"]),
        Figure(f"reading {lines} declaration lines, cold", best["cold"]),
        Figure(f"reading {lines} declaration lines, unchanged", best["unchanged"]),
    ]

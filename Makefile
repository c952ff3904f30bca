# Every target does its own set-up: `make test` on a fresh clone is enough.

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --no-sync
DEMO ?= demo

.PHONY: help demo test check format bench soak setup native clean

help: ## Show the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup native ## Three days of a small shop: real servers, a schema change at night, a crash, the report on time
	$(RUN) startrail demo $(DEMO)
	@echo "startrail stands in .venv/bin; to have it on the path: . .venv/bin/activate"

test: setup servers native ## Run all tests but the long ones
	$(RUN) pytest -n 4 --dist worksteal -m "not soak"

check: setup ## Lint, types, layers, dependencies
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) pyrefly check
	$(RUN) lint-imports
	$(RUN) deptry src

format: setup ## Format the code
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: setup native ## Benchmarks, peers beside us
	$(RUN) python -m benchmarks

soak: setup servers ## Kills at random times; SOAK_MINUTES sets how long
	$(RUN) pytest -m soak -o timeout=0 tests/faults

native: ## Build the native reader of records, where a C++ compiler and simdjson are
	@sh tools/native.sh

setup: .venv/.synced

.PHONY: servers
servers:
	@sh tools/servers.sh

.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --all-extras --compile-bytecode --quiet
	@touch $@

# uv is installed into the project when the machine has none; nothing global is touched.
.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9'

clean: ## Remove what the targets made
	rm -rf .venv .uv demo dist build native/build .pytest_cache .ruff_cache .hypothesis

# Ringfence: everything that can be asked of the repository. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
TARGET := $(or $(CARGO_TARGET_DIR),target)
VENV := .venv
FUZZ_SECONDS ?= 60

.PHONY: help demo test check format lint docs layers licences viewer rust wheel python consumers notebooks fuzz torture bench recall peers clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

demo: ## The main job, start to end, on invented data: a ledger, a graph, rings, a trace (into demo-out/)
	cargo build --release --locked --bin ringfence
	scripts/demo.sh $(TARGET)/release/ringfence demo-out

test: check rust python ## Everything, as the continuous integration runs it

check: format lint docs layers licences ## What a change must pass first: format, clippy, documentation, floors

format: ## Formatting, without changing anything
	cargo fmt --all --check

lint: ## Clippy with warnings as errors: everything, and the library without its features
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --lib --no-default-features -- -D warnings

docs: ## Documentation with warnings as errors (into target/doc)
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib

layers: ## Every room imports only from the floors below it
	cargo test --locked --quiet --test layers

licences: ## Licences and bans of dependencies, where cargo-deny is installed
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check licenses bans; \
	else echo "licences: not checked, cargo-deny is not installed"; fi

viewer: ## The script and the style of the case file page, built anew (needs node and npm)
	cd src/report/viewer && npm ci --silent && npm run build

rust: ## Tests of the library, the command line and the examples in the documentation
	cargo test --locked

# The wheel is built in the dev profile: quicker than release, and overflow checks stay on.
wheel: $(VENV)/ready ## The Python package, built and installed into .venv
	rm -rf $(TARGET)/wheels-test
	VIRTUAL_ENV= $(VENV)/bin/maturin build --profile dev --interpreter $(VENV)/bin/python --out $(TARGET)/wheels-test
	$(VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps --no-index $(TARGET)/wheels-test/*.whl

python: wheel consumers ## Tests of the Python package: its face, its stubs, its notebooks
	$(VENV)/bin/python -m pytest python/tests

consumers: ## Programs in JavaScript that read exports, for the tests, where npm is installed
	@if command -v npm >/dev/null 2>&1; then cd tests/consumers && npm ci --omit=dev --no-audit --no-fund --silent; \
	else echo "consumers: not installed, there is no npm; the tests that need them are skipped"; fi

notebooks: wheel ## Run every notebook from top to bottom
	$(VENV)/bin/python -m pytest python/tests/test_notebooks.py

fuzz: ## Let a fuzzer at every door for a minute each (needs cargo-fuzz and a C++ compiler; CONTRIBUTING.md)
	cd fuzz && for target in $$(cargo fuzz list); do \
		mkdir -p corpus/$$target && \
		cargo fuzz run --sanitizer none $$target corpus/$$target ../tests/fuzzing/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024; \
	done

torture: ## The long form of the campaigns against the store: hours; each prints its seed and a tally
	RINGFENCE_TORTURE=1 cargo test --locked --release --test faults --test corrupt --test readers --test histories --test hostile --test fuzzing -- --nocapture

bench: ## Whole stages and their inner steps, one JSON line per stage (docs/benchmarks.md)
	cargo bench --locked --bench stages
	cargo bench --locked --bench micro

recall: ## What searches find of known laundering, and rings: the tables of docs/typology-recall.md, in three minutes
	cargo test --locked --quiet --test patterns tables -- --ignored --nocapture

peers: ## The same files through Ringfence and its peers: make peers DATA=folder (docs/benchmarks.md)
	@test -n "$(DATA)" || { echo "name a folder with tx.csv and tx.parquet: make peers DATA=folder"; exit 2; }
	$(PYTHON) -m venv $(TARGET)/peers
	$(TARGET)/peers/bin/python -m pip install --quiet --requirement benches/requirements-peers.txt .
	cargo build --release --locked --bin ringfence
	$(TARGET)/peers/bin/python benches/peers.py --data "$(DATA)" --ringfence $(TARGET)/release/ringfence

clean: ## Remove what the other targets made
	rm -rf $(VENV) demo-out
	cargo clean

$(VENV)/ready: python/requirements-test.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "Python 3.10 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --requirement python/requirements-test.txt
	touch $@

# Everything a newcomer needs is `make demo` and `make test`; `make` alone prints this list.
.DEFAULT_GOAL := help
.PHONY: help setup demo test apache check bench quality quality-tables reliability up down clean lock contracts
titan := .venv/bin/titan

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## .venv with everything that runs TITAN
	@deploy/setup.sh

demo: setup ## the whole of TITAN on real input, then the dashboards (DEMO_EXIT=1 stops at the end)
	@$(titan) demo

up: setup ## start everything, supervised, in the foreground
	@$(titan) up

down: ## stop everything
	@test ! -x $(titan) || $(titan) down

test: ## the whole test suite
	@deploy/setup.sh test
	@.venv/bin/python -m titan.testing -- tests/run.sh

apache: ## what speaks to a broker, on Apache Kafka (needs Java 17 and Maven)
	@deploy/setup.sh test
	@tests/apache.sh

check: ## lint, types, walls
	@deploy/setup.sh test check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy libs services deploy/local

bench: ## how fast: the event bus and the request path, each figure beside an anchor of the same run (minutes)
	@deploy/setup.sh test bench
	@$(titan) bench

quality: ## how good machines are beside other libraries on the *.parquet files of a folder, and what they cost (hours): make quality TABLES=FOLDER
	@deploy/setup.sh
	@.venv/bin/python tests/bench/ml_cost.py
	@.venv/bin/python tests/bench/ml_quality.py $(TABLES) --page docs/quality.md

quality-tables: ## write real tables that anybody can get, for make quality: make quality-tables TABLES=FOLDER
	@deploy/setup.sh
	@.venv/bin/python tests/bench/quality_tables.py $(TABLES)

reliability: ## play every fault on both brokers, measure, and write docs/reliability.md (most of an hour)
	@deploy/setup.sh test bench
	@.venv/bin/python tests/bench/reliability.py

contracts: ## write docs/events anew from the code: JSON Schemas, AsyncAPI documents, the table of events
	@deploy/setup.sh
	@.venv/bin/python -m service_base.contracts

lock: ## make the locks anew after a change of dependencies
	@deploy/setup.sh
	@.venv/bin/python requirements/lock.py

clean: down ## remove .venv, .titan (all local data!) and caches
	@rm -rf .venv .titan .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

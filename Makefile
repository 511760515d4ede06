# Everything is installed into .venv, from locks with hashes. Stamp files there make a second run install nothing.

PORT ?= 8000
WORKERS ?= auto
VENV := .venv
BIN  := $(VENV)/bin
AUDIT_VENV := .audit-venv
BODIES ?= 100000
SEED ?= 1

# The first Python that runs, is of a version that the locks support, and can make a venv; failing the last, one that
# cannot, so that the recipe can say so. A name on PATH is not enough: version managers leave names that do not run.
PYTHON ?= $(shell \
  supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
  for python in python3.13 python3.12 python3.11 python3; do \
    $$python -c "$$supported" 2>/dev/null || continue; \
    found=$${found:-$$python}; \
    $$python -c 'import ensurepip, venv' 2>/dev/null && { found=$$python; break; }; \
  done; echo "$$found")

PIP := $(BIN)/python -m pip --quiet --quiet # errors only
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

LOCK_VENV := .lock-venv
PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(LOCK_VENV)/bin/pip-compile --quiet --generate-hashes \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test browser-test coverage bench check deploy-check fix golden mutants fuzz audit sbom pages build lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PORT=8000 (run), WORKERS=2 (test: processes), PYTHON=python3.12 (which one makes .venv), UPGRADE=--upgrade (lock)"

run: $(VENV)/.run ## install what is missing and start the service on http://127.0.0.1:8000, in demo mode
	@CDS_DEMO=on exec $(BIN)/cds-service serve --host 127.0.0.1 --port $(PORT)

test: $(VENV)/.test ## run the tests, on all processors
	@$(BIN)/python -m pytest -q --numprocesses $(WORKERS)

coverage: $(VENV)/.test ## fail unless the unit tests take every branch of fhir, clinical and guidance
	@$(BIN)/python -m pytest -q --numprocesses $(WORKERS) tests/unit --cov=cds_service.fhir --cov=cds_service.clinical --cov=cds_service.guidance --cov-fail-under=100

browser-test: $(VENV)/.browser ## look at the pages in a real browser (Chromium); screenshots go to screenshots/
	@$(BIN)/python -m pytest -q tests/browser

check: $(VENV)/.test ## lint, format, types, imports, content
	@echo "ruff check";    $(BIN)/ruff check .
	@echo "ruff format";   $(BIN)/ruff format --check .
	@echo "mypy";          $(BIN)/mypy
	@echo "lint-imports";  $(BIN)/lint-imports --no-logo
	@echo "cds-service check"; $(BIN)/cds-service check
	@echo "cds-service review-pages --check"; $(BIN)/cds-service review-pages --check
	@echo "cds-service settings --check"; $(BIN)/cds-service settings --page docs/operating.md --check

deploy-check: $(VENV)/.test ## install the wheel, build the image's steps, run deploy/ (needs promtool, nginx, openssl and the network)
	@$(BIN)/python -m pytest -q tests/operations/installing.py tests/operations/deploying.py

bench: $(VENV)/.bench .peer-venv/.made ## measure the service beside a floor and a peer, and write README's table (needs wrk; 5 minutes)
	@$(BIN)/python -m benchmarks.bench $(BENCH)

fix: $(VENV)/.test ## format the code and repair what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

golden: $(VENV)/.test ## rewrite the golden replies; read the difference before you commit it
	@$(BIN)/python -m tests.golden.rewrite

mutants: $(VENV)/.test ## mutate clinical and guidance and count what the tests do not notice (slow)
	@echo "Installing mutmut into .mutation-venv"
	@$(BIN)/python -m venv .mutation-venv
	@.mutation-venv/bin/python -m pip --quiet --quiet install --no-deps --require-hashes -r requirements/mutation.lock
	@.mutation-venv/bin/mutmut run
	@.mutation-venv/bin/mutmut results

fuzz: $(VENV)/.test ## send the app bodies that nobody would send: BODIES=100000 of them, the same for each SEED=1
	@$(BIN)/python -m tests.security.fuzzing --bodies $(BODIES) --seed $(SEED)

audit: $(AUDIT_VENV)/.made ## ask whether weaknesses of the locked packages are known; fails if that cannot be learnt
	@for lock in run test build; do \
	  echo "pip-audit requirements/$$lock.lock"; \
	  $(AUDIT_VENV)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements/$$lock.lock || exit 1; \
	done

sbom: $(AUDIT_VENV)/.made ## write sbom.json, the bill of materials of what the service runs with (CycloneDX)
	@$(AUDIT_VENV)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-format JSON --output-file sbom.json requirements/run.lock
	@echo "sbom.json"

pages: $(VENV)/.run ## write docs/guidance/, a review page for each card, and the settings in docs/operating.md
	@$(BIN)/cds-service review-pages
	@$(BIN)/cds-service settings --page docs/operating.md

build: $(VENV)/.run ## build the package: a wheel and a source distribution in dist/
	@$(BIN)/python -m hatchling build

lock: $(LOCK_VENV)/.made ## pin requirements/*.in again, with hashes
	@echo "Locking requirements/run.in, tracing.in, test.in, browser.in, build.in and mutation.in"
	@$(PIP_COMPILE) --output-file requirements/run.lock requirements/run.in
	@$(PIP_COMPILE) --output-file requirements/tracing.lock requirements/tracing.in
	@$(PIP_COMPILE) --output-file requirements/test.lock requirements/test.in
	@$(PIP_COMPILE) --output-file requirements/browser.lock requirements/browser.in
	@$(PIP_COMPILE) --output-file requirements/build.lock requirements/build.in
	@$(PIP_COMPILE) --output-file requirements/mutation.lock requirements/mutation.in
	@$(PIP_COMPILE) --output-file requirements/audit.lock requirements/audit.in
	@$(PIP_COMPILE) --output-file requirements/bench.lock requirements/bench.in
	@$(PIP_COMPILE) --output-file requirements/peer.lock requirements/peer.in

clean: ## remove everything that make has made
	@rm -rf $(VENV) $(LOCK_VENV) $(AUDIT_VENV) .mutation-venv .peer-venv mutants sbom.json dist screenshots .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find cds_service tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# ---------------------------------------------------------------- stamps
# The locks name everything, so pip is told to look for nothing else: older ones would otherwise find, for an extra such
# as `coverage[toml]`, a release newer than the pinned one, and stop. `pip check` then says whether anything is missing.

$(VENV)/.made:
	@python='$(PYTHON)'; \
	if ! $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	  echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=/path/to/python" >&2; exit 1; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot make a virtual environment: install python3-venv" \
	    "(Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; fi; \
	echo "Making $(VENV) with $$($$python --version)"; \
	$$python -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements/run.lock requirements/build.lock pyproject.toml
	@echo "Installing the service into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/build.lock -r requirements/run.lock
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.lock
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/test.lock
	@$(PIP) check
	@touch $@

$(VENV)/.browser: $(VENV)/.test requirements/browser.lock
	@echo "Installing what the tests in a browser need into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/browser.lock
	@$(PIP) check
	@touch $@

$(VENV)/.bench: $(VENV)/.run requirements/bench.lock
	@command -v wrk >/dev/null || { echo "make bench needs wrk (Debian and Ubuntu: apt-get install wrk)" >&2; exit 1; }
	@$(PIP) install --no-deps --require-hashes -r requirements/bench.lock
	@touch $@

.peer-venv/.made: $(VENV)/.made requirements/peer.lock
	@echo "Installing the peer into .peer-venv"
	@$(BIN)/python -m venv --clear .peer-venv
	@.peer-venv/bin/python -m pip --quiet --quiet install --no-deps --require-hashes -r requirements/peer.lock
	@touch $@

# The locks are made with the oldest Python supported: what it can install, the newer ones can too.
$(LOCK_VENV)/.made:
	@echo "Installing pip-tools into $(LOCK_VENV)"
	@python3.11 -m venv --clear $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip --quiet --quiet install pip-tools==7.6.2
	@touch $@

$(AUDIT_VENV)/.made: $(VENV)/.made requirements/audit.lock
	@echo "Installing pip-audit and cyclonedx-bom into $(AUDIT_VENV)"
	@$(BIN)/python -m venv --clear $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python -m pip --quiet --quiet install --no-deps --require-hashes -r requirements/audit.lock
	@touch $@

# Everything is installed into .venv from locks with hashes. Stamp files record what is installed already.

PORT ?= 8000
WORKERS ?= auto
VENV := .venv
BIN  := $(VENV)/bin
AUDIT_VENV := .audit-venv
BODIES ?= 100000
SEED ?= 1

# The first Python of a supported version that runs and can create a venv; otherwise one that cannot, so that the recipe
# can say so. Being on PATH is not enough: version managers install stubs that do not run.
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
.PHONY: help run test engine-test browser-test coverage bench check docs-check pictures deploy-check counterparts fix golden mutants fuzz audit sbom pages build lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PORT=8000 (run), WORKERS=2 (test), PYTHON=python3.12 (for .venv), UPGRADE=--upgrade (lock)"

run: $(VENV)/.run ## install what is missing and start the service on http://127.0.0.1:8000, in demo mode
	@CDS_DEMO=on exec $(BIN)/cds-service serve --host 127.0.0.1 --port $(PORT)

test: $(VENV)/.test ## run the tests on all CPU cores
	@$(BIN)/python -m pytest -q --numprocesses $(WORKERS)

coverage: $(VENV)/.test ## check that the unit tests take every branch of fhir, clinical and guidance
	@$(BIN)/python -m pytest -q --numprocesses $(WORKERS) tests/unit --cov=cds_service.fhir --cov=cds_service.clinical --cov=cds_service.guidance --cov-fail-under=100

engine-test: $(VENV)/.engines ## test that every engine of `cds-service replay` decides alike
	@$(BIN)/python -m pytest -q tests/engines

browser-test: $(VENV)/.browser ## test the pages in Chromium; writes screenshots/
	@$(BIN)/python -m pytest -q tests/browser

check: $(VENV)/.test ## check lint, format, types, imports and content
	@echo "ruff check";    $(BIN)/ruff check .
	@echo "ruff format";   $(BIN)/ruff format --check .
	@echo "mypy";          $(BIN)/mypy
	@echo "lint-imports";  $(BIN)/lint-imports --no-logo
	@echo "cds-service check"; $(BIN)/cds-service check
	@echo "cds-service review-pages --check"; $(BIN)/cds-service review-pages --check
	@echo "cds-service settings --check"; $(BIN)/cds-service settings --page docs/operating.md --check

docs-check: $(VENV)/.test ## run the command blocks of the documents, and list those that need more than this machine
	@$(BIN)/python -m pytest -v --tb=short tests/docs/running.py

pictures: $(VENV)/.browser ## take the pictures of the README from the running service (needs Chromium and pngquant)
	@command -v pngquant >/dev/null || { echo "make pictures needs pngquant (Debian and Ubuntu: apt-get install pngquant)" >&2; exit 1; }
	@$(BIN)/python -m pytest -q tests/browser/pictures.py

deploy-check: $(VENV)/.test .deploy-venv/.made ## test the wheel, the image and deploy/ (needs promtool, nginx, openssl and the network)
	@.deploy-venv/bin/python -m pip --quiet check
	@PATH="$$PATH:$(CURDIR)/.deploy-venv/bin" $(BIN)/python -m pytest -q tests/operations/installing.py tests/operations/deploying.py

counterparts: $(VENV)/.test .counterparts-venv/.made ## test the service with FHIR servers of others
	@.counterparts-venv/bin/python -m pip --quiet check
	@$(BIN)/python -m pytest -q tests/counterparts/exchanging.py

bench: $(VENV)/.bench .peer-venv/.made ## compare the service with a floor and a peer, and update the README (needs wrk; 10 minutes)
	@$(BIN)/python -m benchmarks.bench $(BENCH)
	@$(BIN)/python -m benchmarks.gathering

fix: $(VENV)/.test ## format the code and apply ruff's fixes
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

golden: $(VENV)/.test ## rewrite the golden responses; read the diff before committing it
	@$(BIN)/python -m tests.golden.rewrite

mutants: $(VENV)/.test ## mutate fhir, clinical and guidance, and list what no test detects (slow)
	@echo "Installing mutmut into .mutation-venv"
	@$(BIN)/python -m venv .mutation-venv
	@.mutation-venv/bin/python -m pip --quiet --quiet install --no-deps --require-hashes -r requirements/mutation.lock
	@.mutation-venv/bin/mutmut run
	@.mutation-venv/bin/mutmut results

fuzz: $(VENV)/.test ## send malformed request bodies to the app (BODIES=100000, SEED=1)
	@$(BIN)/python -m tests.security.fuzzing --bodies $(BODIES) --seed $(SEED)

audit: $(AUDIT_VENV)/.made ## check the locked packages for known vulnerabilities (needs the network)
	@for lock in run tracing duckdb dask test build; do \
	  echo "pip-audit requirements/$$lock.lock"; \
	  $(AUDIT_VENV)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements/$$lock.lock || exit 1; \
	done

sbom: $(AUDIT_VENV)/.made ## write sbom-run.json and sbom-tracing.json, the bills of materials of what is installed (CycloneDX)
	@for lock in run tracing; do \
	  $(AUDIT_VENV)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	    --output-format JSON --output-file sbom-$$lock.json requirements/$$lock.lock || exit 1; \
	  echo "sbom-$$lock.json"; \
	done

pages: $(VENV)/.run ## write the manifest of the content, the review pages in docs/guidance/ and the settings in docs/operating.md
	@$(BIN)/cds-service manifest
	@$(BIN)/cds-service review-pages
	@$(BIN)/cds-service settings --page docs/operating.md

build: $(VENV)/.run ## build the package: a wheel and a source distribution in dist/
	@$(BIN)/python -m hatchling build

lock: $(LOCK_VENV)/.made ## compile requirements/*.in into locks with hashes
	@echo "Locking requirements/run.in, tracing.in, duckdb.in, dask.in, test.in, browser.in, build.in and mutation.in"
	@$(PIP_COMPILE) --output-file requirements/run.lock requirements/run.in
	@$(PIP_COMPILE) --output-file requirements/tracing.lock requirements/tracing.in
	@$(PIP_COMPILE) --output-file requirements/duckdb.lock requirements/duckdb.in
	@$(PIP_COMPILE) --output-file requirements/dask.lock requirements/dask.in
	@$(PIP_COMPILE) --output-file requirements/test.lock requirements/test.in
	@$(PIP_COMPILE) --output-file requirements/browser.lock requirements/browser.in
	@$(PIP_COMPILE) --output-file requirements/build.lock requirements/build.in
	@$(PIP_COMPILE) --output-file requirements/mutation.lock requirements/mutation.in
	@$(PIP_COMPILE) --output-file requirements/audit.lock requirements/audit.in
	@$(PIP_COMPILE) --output-file requirements/bench.lock requirements/bench.in
	@$(PIP_COMPILE) --output-file requirements/peer.lock requirements/peer.in
	@$(PIP_COMPILE) --output-file requirements/deploy.lock requirements/deploy.in
	@$(PIP_COMPILE) --output-file requirements/counterparts.lock requirements/counterparts.in

clean: ## remove everything that make has created
	@rm -rf $(VENV) $(LOCK_VENV) $(AUDIT_VENV) .mutation-venv .peer-venv .deploy-venv .counterparts-venv mutants sbom-*.json dist screenshots .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find cds_service tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# ---------------------------------------------------------------- stamps
# The locks are complete, so pip must not resolve dependencies: for an extra such as `coverage[toml]`, older versions
# would find a newer release than the pinned one and stop. `pip check` then reports anything missing.

$(VENV)/.made:
	@python='$(PYTHON)'; \
	if ! $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	  echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=/path/to/python" >&2; exit 1; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot create a virtual environment: install python3-venv" \
	    "(Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; fi; \
	echo "Creating $(VENV) with $$($$python --version)"; \
	$$python -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements/run.lock requirements/build.lock pyproject.toml
	@echo "Installing the service into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/build.lock -r requirements/run.lock
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.lock
	@echo "Installing test dependencies into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/test.lock
	@$(PIP) check
	@touch $@

$(VENV)/.browser: $(VENV)/.test requirements/browser.lock
	@echo "Installing browser test dependencies into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/browser.lock
	@$(PIP) check
	@touch $@

$(VENV)/.engines: $(VENV)/.test requirements/duckdb.lock requirements/dask.lock
	@echo "Installing the engines of replay into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements/duckdb.lock -r requirements/dask.lock
	@$(PIP) check
	@touch $@

$(VENV)/.bench: $(VENV)/.run requirements/bench.lock
	@command -v wrk >/dev/null || { echo "make bench needs wrk (Debian and Ubuntu: apt-get install wrk)" >&2; exit 1; }
	@$(PIP) install --no-deps --require-hashes -r requirements/bench.lock
	@touch $@

# The locks are compiled with the oldest supported Python: newer ones can install the same versions.
$(LOCK_VENV)/.made:
	@echo "Installing pip-tools into $(LOCK_VENV)"
	@python3.11 -m venv --clear $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip --quiet --quiet install pip-tools==7.6.2
	@touch $@

.audit-venv/.made .peer-venv/.made .deploy-venv/.made .counterparts-venv/.made: .%-venv/.made: $(VENV)/.made requirements/%.lock
	@echo "Installing requirements/$*.lock into .$*-venv"
	@$(BIN)/python -m venv --clear .$*-venv
	@.$*-venv/bin/python -m pip --quiet --quiet install --no-deps --require-hashes -r requirements/$*.lock
	@touch $@

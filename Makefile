# run          set up what serving needs, then serve on http://127.0.0.1:8000 (PORT= chooses another port)
# test         check, then the tests
# test-long    the tests that take minutes
# test-faults  those in which something breaks on purpose, ten times in a row (TIMES=, LONG=1 with those of minutes)
# check        lint, format, types, import floors, budgets

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PACKED := pyproject.toml hatch_build.py package.json package-lock.json
TIMES  := 10
LONG   :=

.PHONY: run test test-long test-faults check joined
.DEFAULT_GOAL := run

run: $(VENV)/.serves
	@exec $(BIN)/python -m dashboard serve $(if $(PORT),--port $(PORT))

check: joined
	@$(BIN)/python -m checks

test: joined
	@$(BIN)/python -m checks.machine
	@failed=0; \
	$(BIN)/python -m checks || failed=1; \
	$(BIN)/python -m pytest $(PYTEST) || failed=1; \
	exit $$failed

test-long: joined
	@$(BIN)/python -m checks.machine --long
	@$(BIN)/python -m pytest -m long --timeout=3600 $(PYTEST) || test $$? = 5

# (pytest's 5 above: there was no such test.)

test-faults: joined
	@$(BIN)/python -m checks.machine $(if $(LONG),--long)
	@began=$$(date +%s); \
	for round in $$(seq $(TIMES)); do \
	  started=$$(date +%s); \
	  $(BIN)/python -m pytest -q --exitfirst -m '$(if $(LONG),fault,fault and not long)' \
	    $(if $(LONG),--timeout=3600) $(PYTEST) || { echo "make test-faults: round $$round of $(TIMES) failed"; exit 1; }; \
	  echo "round $$round of $(TIMES): $$(($$(date +%s) - started)) s"; \
	done; \
	echo "make test-faults: $(TIMES) times in a row without a fault, $$(($$(date +%s) - began)) s"

# Scripts that were changed since are joined anew; until then each is served as it stands.
joined: $(VENV)/.develops
	@$(BIN)/python hatch_build.py

# The second run of any of these is quick: nothing is installed while no file that says what to install is newer.
$(VENV)/.serves: $(PACKED) | $(BIN)/python
	@echo "Setting up ($(VENV), once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.develops: $(PACKED) | $(BIN)/python
	@echo "Setting up for development ($(VENV), once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.serves $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is none. Name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Chart.js may be cleaned away while the environment stays: then install again.
ifeq ($(wildcard static/vendor/chart.umd.min.js),)
.PHONY: $(VENV)/.serves $(VENV)/.develops
endif

# Everything anybody does with the project is one word here; `make help` lists the words.

PYTHON ?= python3
HOST ?= 0.0.0.0
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/run.stamp
DEV := $(VENV)/dev.stamp

.PHONY: help run demo test check bench messages

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

$(RUN): requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(RUN)

run: $(RUN) ## install what is missing, migrate the database and serve on http://localhost:8501
	$(BIN)/uvicorn app:app --host $(HOST) --port $(PORT) --no-proxy-headers --log-level warning

demo: $(RUN) ## serve a database of its own, filled with fictional customers
	@if [ ! -e data/var/demo/crm.db ]; then CRM_DATA_DIR=data/var/demo $(BIN)/python -m crm_core demo; fi
	CRM_DATA_DIR=data/var/demo $(BIN)/uvicorn app:app --host $(HOST) --port $(PORT) --no-proxy-headers --log-level warning

test: $(DEV) ## run all tests on SQLite, PostgreSQL and in a browser
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 4 --dist loadgroup --no-loadscope-reorder

check: $(DEV) ## lint, types, then all tests: what has to be green
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory test

bench: $(DEV) ## measure speed beside an empty page (ROWS="core list" for a selection)
	$(BIN)/python -m benchmarks $(ROWS)

messages: $(DEV) ## collect new texts into the language catalogues
	$(BIN)/pybabel -q extract -F babel.cfg -k _ -k N_ --no-location --omit-header -o $(VENV)/kemai.pot .
	for language in zh_CN en; do \
	  $(BIN)/pybabel -q update -i $(VENV)/kemai.pot -o locale/$$language/LC_MESSAGES/kemai.po -l $$language --no-fuzzy-matching --ignore-obsolete --no-wrap; \
	done

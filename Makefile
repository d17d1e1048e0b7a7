# Two commands to begin with: `make demo` and `make test`. Everything goes into .venv; nothing else is touched.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
OUT ?= runs/demo

.PHONY: setup demo test check docs results costs clean

setup: $(VENV)/.installed-all ## make .venv with every extra that the tests use

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or say make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-all: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev,docs,web,serve,robot]"
	touch $@ $(VENV)/.installed

demo: $(VENV)/.installed ## train a teacher and a student, let both pick, write a report
	$(BIN)/grasping-student demo --out $(OUT)

test: $(VENV)/.installed-all ## run the tests, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.installed-all ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-all ## build the documentation site into build/site; a broken link or docstring fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open build/site/index.html"

results: $(VENV)/.installed ## rebuild docs/results.md, its tables and figures from the runs in results/
	$(BIN)/grasping-student experiment report

costs: $(VENV)/.installed ## ship the costs measured in results/ with the package: what --dry-run counts with
	$(BIN)/python benchmarks/ship_costs.py

clean: ## remove .venv
	rm -rf $(VENV)

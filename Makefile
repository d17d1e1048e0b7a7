# Two commands to begin with: `make demo` and `make test`. Everything goes into .venv; nothing else is touched.
SUPPORTED := 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
# the newest Python that runs and can make a .venv; `make PYTHON=/path/to/python` takes another
PYTHON ?= $(firstword $(foreach version,3.14 3.13 3.12 3.11,\
	$(shell python$(version) -c 'import ensurepip, sys, venv; print(sys.executable)' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
OUT ?= runs/demo

# a .venv that is missing, broken or of a Python that is not supported is made anew, with all that was in it
ifneq ($(shell $(BIN)/python -c $(SUPPORTED) 2>/dev/null && echo good),good)
.PHONY: $(BIN)/python $(VENV)/.installed $(VENV)/.installed-all
endif

.PHONY: setup demo test check docs results costs clean

setup: $(VENV)/.installed-all ## make .venv with every extra that the tests use

$(BIN)/python:
	@test -n "$(PYTHON)" && command -v "$(PYTHON)" >/dev/null || { echo "no Python 3.11 to 3.14 found: install one, or say make PYTHON=/path/to/python"; exit 2; }
	@"$(PYTHON)" -c $(SUPPORTED) || { echo "$(PYTHON) is $$($(PYTHON) -V): Python 3.11 to 3.14 is needed"; exit 2; }
	"$(PYTHON)" -m venv --clear $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[train]"
	touch $@

$(VENV)/.installed-all: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[cluster,dev,docs,meshes,paper-engine,robot,serve,train,web]"
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
	$(BIN)/grasping-student experiment report --preset bin

costs: $(VENV)/.installed ## ship the costs measured in results/ with the package: what --dry-run counts with
	$(BIN)/python benchmarks/ship_costs.py

clean: ## remove .venv
	rm -rf $(VENV)

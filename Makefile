# All commands use .venv, which is created with uv if that is installed, and otherwise with Python's own
# venv and pip. PYTHON=… chooses the interpreter. Paths are relative, so that the folder
# may have spaces in its name.

UV := $(shell command -v uv)
PYTEST_FLAGS ?= -n 2 --dist worksteal

venv := .venv
python := $(venv)/bin/python
pins := tests/migrations/frozen/constraints.txt

# Where the shell forbids Python to keep what it compiles, each of the programs and workers that the
# tests start would compile the whole package again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help migrate test test-thorough test-exhaustive test-matrix lint types drift freeze pictures reference docs package bench

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s%s\n", $$1, $$2 }' Makefile

migrate: $(venv)/.installed-embedded ## Upgrade the database to the last revision, and print its status
	$(python) -m alembic upgrade head
	@$(python) -m townhall status

test: $(venv)/.installed-test ## Run the tests
	$(python) -m pytest $(PYTEST_FLAGS)

test-thorough: $(venv)/.installed-test ## Run slower tests
	$(python) -m pytest $(PYTEST_FLAGS) -m 'thorough and not exhaustive'

test-exhaustive: $(venv)/.installed-test ## Run the slowest tests, all their cases, and those on PostgreSQL 15 and 16
	$(python) -m pytest $(PYTEST_FLAGS) -m exhaustive

test-matrix: $(venv)/.installed-test ## Run the tests with the lowest and newest dependencies; CELLS=… chooses some
	$(python) -m tests.matrix $(CELLS) -- $(PYTEST_FLAGS)

lint: $(venv)/.installed-dev ## Check style, formatting and the spelling of the documentation
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(venv)/bin/codespell README.md CHANGELOG.md docs --skip '*.svg,*.png,docs/_build' --ignore-words-list brin

types: $(venv)/.installed-dev ## Check the types
	$(python) -m mypy
	$(python) -m pyright --pythonpath $(python)

drift: $(venv)/.installed-embedded ## Report differences between the database and what is declared
	$(python) -m alembic check

freeze: $(venv)/.installed-test ## Write the frozen SQL of the revisions anew, after an intended change
	$(python) -m tests.migrations.freezing

bench: $(venv)/.installed-bench ## Write docs/performance.md; GROUPS=… chooses some, LONG=yes takes ten million rows
	$(python) -m tests.benchmarks $(GROUPS) $(if $(LONG),--long)

reference: $(venv)/.installed-test ## Write the pages of tables, commands and messages anew
	$(python) -m tests.reference.writing

pictures: $(venv)/.installed-test ## Draw the pictures of the documentation anew, after an intended change
	$(python) -m tests.pictures.drawing

docs: $(venv)/.installed-dev ## Build the documentation into docs/_build
	$(python) -m sphinx -W --keep-going -b html docs docs/_build

package: $(venv)/.installed-dev ## Build the sdist and the wheel into dist/, and check them
	rm -rf dist
	$(python) -m build
	$(python) -m twine check --strict dist/*

# One stamp file per extra: it is installed again only after pyproject.toml or the pins have changed.
$(venv)/.installed-%: pyproject.toml $(pins) | $(venv)/.created
ifdef UV
	"$(UV)" pip install --quiet --python $(python) --constraint $(pins) --editable '.[$*]'
else
	$(python) -m pip install --quiet --disable-pip-version-check --constraint $(pins) --editable '.[$*]'
endif
	@touch $@

$(venv)/.created:
ifdef UV
	@$(python) -c '' 2>/dev/null || "$(UV)" venv --quiet --clear $(if $(PYTHON),--python '$(PYTHON)') $(venv)
else
	@$(python) -m pip --version >/dev/null 2>&1 || $(create_with_venv)
endif
	@touch $@

# A command on the path may not run (a shim of pyenv without that version), and Debian's Python may
# lack venv.
define create_with_venv
{ \
	for name in '$(PYTHON)' python3.13 python3.12 python3.11 python3.14 python3 python; do \
		"$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		exec "$$name" -m venv --clear $(venv); \
	done; \
	echo 'No Python 3.11 or newer with venv was found. Install one (on Debian: python3-venv), or uv.' >&2; \
	exit 1; \
}
endef

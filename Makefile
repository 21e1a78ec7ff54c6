# Everything here sets itself up in .venv: Python 3.11 or later and make are enough.
#   make demo     deliver a mail, then resend it to somebody who was left out
#   make test     the tests, in parallel; real servers are used where they are installed
#   make lint     ruff and mypy
#   make cover    the tests of the pure floor, which must reach every branch
#   make sweep    the laws with many more examples, and the long form of other tests
#   make bench    ccc beside its peers
#   make docs     write the generated pages
# See docs/contributing.md.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq

# the floor without I/O: tests/test_floors.py holds what it may import
PURE := ccc/address/*,ccc/message/*,ccc/plan/*,ccc/smtp/*,ccc/delivery.py,ccc/duration.py,ccc/envelope.py,ccc/errors.py,ccc/receipt.py,ccc/visible.py
ITS_TESTS := $(wildcard tests/address tests/message tests/plan tests/smtp tests/test_delivery.py tests/test_duration.py \
	tests/test_envelope.py tests/test_errors.py tests/test_receipt.py tests/test_visible.py)

.PHONY: demo test lint cover sweep bench docs clean

demo: $(VENV)/run.stamp
	@$(BIN)/ccc demo

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict

cover: $(VENV)/test.stamp
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ITS_TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='$(PURE)' --show-missing --skip-covered --fail-under=100

sweep: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses=auto -m 'sweep or hypothesis'

bench: $(VENV)/test.stamp
	$(BIN)/python -m tests.bench

docs: $(VENV)/test.stamp
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("ccc needs Python 3.11 or later: make PYTHON=python3.x …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[test,dev]'
	@touch $@ $(VENV)/run.stamp $(VENV)/test.stamp

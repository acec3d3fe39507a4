# Needs Python 3.11 or later and make, nothing else; everything is installed into .venv.
#
#   make demo     the whole road on a simulated company      DEMO_ARGS="…" is handed to `dealcast demo`
#   make test     all tests, lint and types among them       PYTEST_ARGS="…" is handed to pytest
#   make setup    .venv alone; the others see to it themselves
#   make spark    PySpark as well, for `--engine spark` (needs Java 17); `make test` sees to it itself
#   make lint     ruff and mypy alone
#   make bench    the benchmarks                             BENCH_ARGS="…"; sees itself to the peers they measure
#   make docs     the pages that are generated from the code
#   make lock     requirements*.lock from pyproject.toml     LOCK_ARGS=--upgrade takes newer versions
#   make clean    removes .venv and every cache; data, models and scores stay

.PHONY: help setup spark demo test lint bench docs lock clean
.DEFAULT_GOAL := help

VENV  := .venv
PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip -qq --disable-pip-version-check --no-input
READY := $(VENV)/.ready
SPARK_READY := $(VENV)/.ready-spark
PEERS_READY := $(VENV)/.ready-peers

export MLFLOW_DISABLE_TELEMETRY := true
export OMP_WAIT_POLICY := PASSIVE

# READY is written last and holds the folder's name. An interrupted setup leaves none and is taken up again;
# an environment that was moved or copied here names another folder (it would run the code that lies there)
# and is made anew.
ifneq ($(wildcard $(READY)),)
ifneq ($(shell cat $(READY)),$(CURDIR))
.PHONY: $(READY)
endif
endif

help:
	@sed -n 's/^#  *\(make .*\)/\1/p' Makefile

setup: $(READY)
	@echo "setup: $(VENV) is ready"

# pip compiles on one core, compileall on all; a file of some package that does not compile is no failure.
$(READY): requirements.lock pyproject.toml
	@if [ -f $(READY) ] && [ "$$(cat $(READY))" != "$(CURDIR)" ]; then rm -rf $(VENV); fi
	@rm -f $(READY)
	@$(PIP) --version >/dev/null 2>&1 || rm -rf $(VENV)
	@$(MAKE) --silent --no-print-directory $(PY)
	@echo "setup: installing the locked packages (the first time downloads about 300 MB) …"
	@$(PIP) install --no-compile --require-hashes --requirement requirements.lock
	@echo "setup: compiling them …"
	@$(PY) -m compileall -qq -j 0 $(VENV)/lib || true
	@echo "setup: installing dealcast …"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@problem=$$($(PY) -c "import lightgbm" 2>&1) || { \
	  echo "$$problem" | tail -n 1; \
	  echo "setup: LightGBM does not load. It needs the OpenMP runtime of the system:"; \
	  echo "       apt-get install libgomp1 (Debian, Ubuntu), dnf install libgomp (Fedora), brew install libomp (macOS)"; \
	  exit 1; }
	@echo "$(CURDIR)" > $(READY)

# Asked for by READY's recipe, not by its prerequisites: only once what cannot be used has been taken away.
$(PY):
	@found=; for python in python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "setup: Dealcast needs Python 3.11 or later, and neither python3.11 nor python3 is one."; exit 1; \
	fi; \
	echo "setup: $(VENV) with $$($$found --version) …"; \
	rm -rf $(VENV); $$found -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "setup: $$found could not make $(VENV). Debian and Ubuntu keep what it takes in a package of its own:"; \
	  echo "       apt-get install $$($$found -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
	  exit 1; }

demo: $(READY)
	@$(VENV)/bin/dealcast demo $(DEMO_ARGS)

spark: $(SPARK_READY)
	@echo "spark: PySpark is ready"

$(SPARK_READY): requirements-spark.lock $(READY)
	@echo "setup: installing PySpark (the first time downloads about 450 MB) …"
	@$(PIP) install --no-compile --no-build-isolation --require-hashes --requirement requirements-spark.lock
	@touch $(SPARK_READY)

$(PEERS_READY): requirements-peers.lock $(READY)
	@echo "setup: installing the benchmarks' peers (the first time downloads about 110 MB) …"
	@$(PIP) install --no-compile --require-hashes --requirement requirements-peers.lock
	@touch $(PEERS_READY)

# tests/test_lint.py runs what `make lint` runs, so that one run says whether all is well. As many tests side by side as
# there are cores, four at most, as each takes up to a gigabyte; PYTEST_ARGS="-n 0" runs them one after the other.
# A file's tests stay together, as they share what takes long to make.
test: $(READY) $(SPARK_READY)
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(READY)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench: $(READY) $(PEERS_READY)
	@$(PY) -m benchmarks $(BENCH_ARGS)

docs: $(READY)
	@$(PY) -m crm.tables_reference docs/tables.md
	@$(PY) -m features.features_reference docs/features.md
	@$(PY) -m serving.views.reference docs/bi.md

# Needs no finished setup: a lock that cannot be installed must be mendable. "fewest": one version of a package
# for every Python, so that what is tested is what is used. The peers share packages with us, at our versions.
lock: $(PY)
	@[ -x $(VENV)/bin/uv ] || $(PIP) install uv
	@$(LOCKED) pyproject.toml --extra dev --output-file requirements.lock
	@$(call extra,spark) | $(LOCKED) - --output-file requirements-spark.lock
	@$(call extra,peers) | $(LOCKED) - --constraint requirements.lock --output-file requirements-peers.lock
	@echo "lock: requirements.lock, requirements-spark.lock and requirements-peers.lock are up to date"

LOCKED = $(PY) -m uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock" --quiet $(LOCK_ARGS)
extra = $(PY) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['$(1)'], sep='\n')"

clean:
	@rm -rf $(VENV) build dist dealcast.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: done"

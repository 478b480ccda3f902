# What a clone of keyless can do. Each target makes all that it needs; `make` alone lists them.
#
# PYTHON    the interpreter to make the environment with (default: the first of $(PYTHONS) that will do)
# WORKERS   how many processes the tests run in

.POSIX:
.SUFFIXES:
.PHONY: help demo test test-clients test-frameworks check bench clean

PYTHONS = python3.13 python3.12 python3.11 python3
WORKERS ?= 2

VENV = .venv
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check
INSTALL = $(PIP) install --quiet --constraint constraints.txt
IN_VENV = PATH="$$PWD/$(VENV)/bin:$$PATH"

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target what; \
	  do printf '%-18s %s\n' "$$target" "$$what"; done

demo: $(VENV)/demo.stamp ## start keyless, run applications without a credential, refuse one, stop
	@$(IN_VENV) keyless demo

test: $(VENV)/tools.stamp ## run every test that this machine has the languages for
	@$(IN_VENV) python -m pytest -n $(WORKERS) --dist loadgroup tests

test-clients: $(VENV)/tools.stamp ## run the official client libraries against a real server
	@$(IN_VENV) python -m pytest -n $(WORKERS) --dist loadgroup tests/clients

test-frameworks: $(VENV)/tools.stamp ## run what SQL drivers and frameworks bring as tests of their own
	@$(IN_VENV) python -m pytest -m frameworks -rP tests/frameworks

check: $(VENV)/tools.stamp ## lint, format, types, and the rule of the rooms
	@$(IN_VENV) ruff check src tests bench
	@$(IN_VENV) ruff format --check src tests bench
	@$(IN_VENV) mypy
	@$(IN_VENV) lint-imports

bench: $(VENV)/tools.stamp ## measure, each figure beside a peer's in the same run
	@$(IN_VENV) python -m bench.run

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
	find tests \( -name node_modules -o -path '*/clients/*/build' \) -type d -prune -exec rm -rf {} +

# A failed installation leaves no stamp, so the next run takes it up again.

$(VENV)/python.stamp: constraints.txt
	@chosen=; bare=; for python in $${PYTHON:-$(PYTHONS)}; do \
	  if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then continue; fi; \
	  if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$python; break; fi; \
	  bare=$$python; \
	done; \
	if [ -z "$$chosen" ] && [ -n "$$bare" ]; then \
	  echo "make: $$bare has no venv module: install it (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; \
	elif [ -z "$$chosen" ]; then \
	  echo "make: no Python 3.11 or newer among $${PYTHON:-$(PYTHONS)}: install one, or name it: make PYTHON=..." >&2; exit 1; \
	fi; \
	"$$chosen" -m venv $(VENV)
	$(INSTALL) --upgrade pip
	@touch $@

$(VENV)/demo.stamp: $(VENV)/python.stamp pyproject.toml
	$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/tools.stamp: $(VENV)/demo.stamp
	$(INSTALL) --group check --group test --group bench
	@touch $@

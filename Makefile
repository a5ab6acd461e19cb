# Everything lives in .venv, made on demand; nothing but Python >= 3.11 with venv and make is needed.
# Paths stay relative, so that the folder may have a space in its name.

python := .venv/bin/python
install := $(python) -m pip install --require-hashes --no-deps --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help sandbox test torture bench run lint real-parts lock clean

help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

sandbox: .venv/.sandbox ## run the bot in its own world on loopback (MUSIC=folder plays your files, SCRIPT=file runs a script)
	@$(python) -m sandbox

test: .venv/.dev ## run every test (REQUIRE_REAL=1: a test whose real part is absent fails)
	$(python) -m pytest -n 4 -rs

torture: .venv/.dev ## run the proofs of durability in full, 20 minutes at the most, with a table at the end
	TORTURE=1 REQUIRE_REAL=1 $(python) -m pytest tests/torture -n 2 -q

bench: .venv/.dev ## measure the figures, each with its baseline in the same run
	$(python) -m bench

run: .venv/.run ## run the bot with the settings of .env
	@exec $(python) bot.py

lint: .venv/.dev ## check style, types, the Dockerfile and the compose file
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m pyright
	.venv/bin/hadolint Dockerfile
	LAVALINK_PASSWORD=lint $(python) -m podman_compose --dry-run --env-file .env.example -f docker-compose.yml config > /dev/null

real-parts: ## install PostgreSQL, pg_cron and PostgREST for the tests and the sandbox
	@bash scripts/real_parts.sh

lock: ## pin every dependency of pyproject.toml again (needs uv, on the PATH or in .venv)
	$(pin) --output-file requirements.txt
	$(pin) --extra sandbox --constraints requirements.txt --output-file requirements-sandbox.txt
	$(pin) --extra dev --constraints requirements-sandbox.txt --output-file requirements-dev.txt

pin = PATH="$$PATH:.venv/bin" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-strip-extras pyproject.toml

clean: ## remove what the other targets made (never .env or data)
	rm -rf .venv .real-parts .sandbox-voice .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The newest Python that runs: a version manager may put names on the path behind which there is nothing.
$(python):
	@for python in python3.13 python3.12 python3.11 python3; do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; \
		then break; fi; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer with venv is needed, and none is on the PATH." >&2; \
		echo "Debian and Ubuntu: apt install python3 python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" --version)"; \
	"$$python" -m venv --clear .venv

# Each list is part of the next one, with the same pins: what has a longer one needs no shorter one.
.venv/.run: requirements.txt | $(python)
.venv/.run: has := .venv/.run
.venv/.sandbox: requirements-sandbox.txt | $(python)
.venv/.sandbox: has := .venv/.run .venv/.sandbox
.venv/.dev: requirements-dev.txt | $(python)
.venv/.dev: has := .venv/.run .venv/.sandbox .venv/.dev
.venv/.run .venv/.sandbox .venv/.dev:
	$(install) -r $<
	@touch $(has)

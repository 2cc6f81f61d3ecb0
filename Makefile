SWIFT ?= swift
PACKAGES := libhdf5-dev libopenblas-dev libdnnl-dev zlib1g-dev pkg-config

.PHONY: help setup demo test lint bench

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup:  ## Install missing system packages
	@Scripts/setup.sh $(PACKAGES)

demo: setup  ## Build the tool and run the whole journey on the model that ships
	@$(SWIFT) build -c release --product unfold
	@.build/release/unfold demo

lint:  ## Check the format of every Swift file
	@$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Examples Benchmarks/Package.swift Benchmarks/Sources

test: setup lint  ## Lint, build and run every test
	@$(SWIFT) test -c release

bench: setup  ## Measure Unfold beside its peers (makes a Python environment outside the repository)
	@$(SWIFT) build -c release --product unfold
	@$(SWIFT) build -c release --package-path Benchmarks
	@Scripts/bench/run.py $(BENCHFLAGS)

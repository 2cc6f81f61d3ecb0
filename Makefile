SWIFT ?= swift
PACKAGES := libhdf5-dev libopenblas-dev libdnnl-dev libonig-dev zlib1g-dev pkg-config

.PHONY: help setup demo install uninstall docs test test-arm64 lint calibration bench bench-sweep dictionaries probes notebooks

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:  ## Install missing system packages
	@Scripts/setup.sh $(PACKAGES)

demo: setup  ## Build the tool and run the whole journey on the model that ships
	@$(SWIFT) build -c release --product unfold
	@.build/release/unfold demo

PREFIX ?= /usr/local

install: setup  ## Install the tool, what ships with it, manual pages and completions (PREFIX=/usr/local)
	@$(SWIFT) build -c release --product unfold
	@$(SWIFT) build -c release --product generate-manual
	@Scripts/install.sh "$(PREFIX)" .build/release

uninstall:  ## Remove exactly what `make install` has put there (PREFIX=/usr/local)
	@Scripts/install.sh --remove "$(PREFIX)"

# The modules that `import Unfold` gives, and itself.
DOCUMENTED := $(shell sed -n 's/^@_exported import //p' Sources/Unfold/*.swift) Unfold

docs: setup  ## Build the documentation site into build/docs (python3 -m http.server -d build/docs shows it)
	@Scripts/tutorial-steps.py
	@mkdir -p build
	@$(SWIFT) package --allow-writing-to-directory build/docs generate-documentation $(addprefix --target ,$(DOCUMENTED)) \
	  --enable-experimental-combined-documentation --transform-for-static-hosting --output-path build/docs \
	  --fallback-default-module-kind Library --diagnostic-level error
	@# A file server begins at the root, the site at the page of the library.
	@echo '<!doctype html><meta charset="utf-8"><title>Unfold</title><meta http-equiv="refresh" content="0; url=documentation/unfold/">' \
	  '<a href="documentation/unfold/">Unfold</a>' >build/docs/index.html

probes: setup  ## Run every shipped probe specification on the model that ships; writes probes/README.md and its figure
	@$(SWIFT) build -c release --product unfold
	@.build/release/unfold probe sweep --all --model unfold-mini --table probes/README.md --figure probes/depth.svg --force

notebooks: setup  ## Write and run the notebooks of notebooks-export/ (makes a Python environment under build/)
	@$(SWIFT) build -c release --product unfold
	@Scripts/notebooks/make.sh .build/release/unfold

lint:  ## Check the format of every Swift file
	@$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Examples Benchmarks/Package.swift Benchmarks/Sources

test: setup lint  ## Lint, build and run every test
	@# Between fork and exec a process that one test starts holds the lock of a file that another has just closed.
	@HDF5_USE_FILE_LOCKING=FALSE $(SWIFT) test -c release

test-arm64:  ## Check the vector kernels for arm64 (under qemu elsewhere; says what it needs)
	@SWIFT=$(SWIFT) Scripts/kernels/arm64.sh

calibration: setup  ## Run studies of many data sets on which the truth is known; writes docs/calibration.md
	@UNFOLD_CALIBRATION=1 $(SWIFT) test -c release --filter CalibrationTests

bench: setup  ## Measure Unfold beside its peers (makes a Python environment outside the repository)
	@$(SWIFT) build -c release --product unfold
	@$(SWIFT) build -c release --package-path Benchmarks
	@Scripts/bench/run.py $(BENCHFLAGS)

bench-sweep: setup  ## Measure a probe sweep beside h5py and scikit-learn, timed on three of twelve layers
	@$(SWIFT) build -c release --package-path Benchmarks
	@Scripts/bench/sweep.py --peer-layers 0,6,11 --output Benchmarks/SWEEP.md $(BENCHFLAGS)

DICTIONARIES := build/dictionaries
SHIPPED := $(basename $(notdir $(filter-out datasets/demo-corpus.jsonl,$(wildcard datasets/*.jsonl))))

dictionaries: setup  ## Train dictionaries of the model that ships: a layer's residual stream and its neurons
	@$(SWIFT) build -c release --product unfold
	@rm -rf $(DICTIONARIES) && mkdir -p $(DICTIONARIES)
	@.build/release/unfold capture unfold-mini $(SHIPPED) -o $(DICTIONARIES)/store --sites resid_post,mlp_post --layers 2
	@.build/release/unfold sae train $(DICTIONARIES)/store --sites resid_post --layers 2 -o $(DICTIONARIES)/residual \
	  --latents 2048 --k 16 --batch 2048 --tokens 3000000 --learning-rate 0.001 --dead-after 200000
	@.build/release/unfold sae train $(DICTIONARIES)/store --sites mlp_post --layers 2 -o $(DICTIONARIES)/neurons \
	  --latents 2048 --k 16 --batch 2048 --tokens 2100000 --learning-rate 0.001 --dead-after 200000
	@echo "$(DICTIONARIES)/residual and $(DICTIONARIES)/neurons: read them with unfold sae features"

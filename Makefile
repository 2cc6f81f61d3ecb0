SWIFT ?= swift
PACKAGES := libhdf5-dev libopenblas-dev libdnnl-dev libonig-dev zlib1g-dev pkg-config

.PHONY: help setup demo install uninstall docs test test-arm64 check sanitize sanitize-address sanitize-thread fuzz crash-test faults kills lint calibration bench bench-sweep dictionaries probes notebooks

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

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

# What a maintainer runs before a release, the quick things first. FULL=1 takes hours in place of an hour.
check: test sanitize  ## Before a release: tests, sanitizers, a short round of fuzzing, faults, kills, arm64 (FULL=1: long)
	@Scripts/fuzz/check.py
	@Scripts/fuzz/run.py --seconds $(if $(FULL),1200,60) --jobs $(JOBS)
	@Scripts/faults/run.py --most $(if $(FULL),100000,10)
	@Scripts/faults/run.py --most $(if $(FULL),200,5) --lasts
	@Scripts/kill-test.py $(if $(FULL),1000,130)
	@Scripts/crash-test.sh $(if $(FULL),50,10)
	@Scripts/crash-test-training.sh $(if $(FULL),20,5)
	@SWIFT=$(SWIFT) Scripts/kernels/arm64.sh

sanitize:  ## Check the vector kernels under AddressSanitizer and UndefinedBehaviorSanitizer (a minute)
	@SWIFT=$(SWIFT) Scripts/kernels/sanitize.sh

# A debug build of everything in a folder of its own, and tests that are many times slower. ASan would count what Swift's
# runtime keeps for the process's life as leaks.
sanitize-address: setup  ## Run the tests under AddressSanitizer (builds everything anew; hours)
	@HDF5_USE_FILE_LOCKING=FALSE ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --sanitize=address --scratch-path .build/address $(TESTFLAGS)

sanitize-thread: setup  ## Run the tests under ThreadSanitizer (builds everything anew; hours)
	@# The threads of libraries that are not compiled for it would be taken for races.
	@HDF5_USE_FILE_LOCKING=FALSE OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(SWIFT) test --sanitize=thread --scratch-path .build/thread $(TESTFLAGS)

TARGET ?= all
SECONDS ?= 60
JOBS ?= 2

fuzz: setup  ## Feed changed files and random flags to the tool (TARGET=all SECONDS=60 JOBS=2; SECONDS are for each target)
	@$(SWIFT) build -c release --product unfold
	@Scripts/fuzz/run.py $(TARGET) --seconds $(SECONDS) --jobs $(JOBS) $(FUZZFLAGS)

faults: setup  ## Let system calls of the commands that write fail, one after the other (FAULTFLAGS=--most 25)
	@$(SWIFT) build -c release --product unfold
	@Scripts/faults/run.py $(FAULTFLAGS)

KILLS ?= 130

kills: setup  ## Kill the commands that write at random moments, give them again and compare (KILLS=130)
	@$(SWIFT) build -c release --product unfold
	@Scripts/kill-test.py $(KILLS)

crash-test: setup  ## The same of a capture and a training, in more shards and steps
	@$(SWIFT) build -c release --product unfold
	@Scripts/crash-test.sh
	@Scripts/crash-test-training.sh

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

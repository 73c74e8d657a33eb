# Everything a developer or a machine runs; `make help` lists it.
# PROFILE=release builds what ships; ARGS="…" goes to the street.

PROFILE ?= dev
SECONDS ?= 60
# Where the programs lie. `cargo run -p` would build them again, with the features of one crate only.
BIN = $(or $(CARGO_TARGET_DIR),target)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
ARGS ?=
GALLERY ?= target/gallery
export PATH := $(CURDIR)/target/tools/bin:$(PATH)
NEXTEST := $(shell command -v cargo-nextest)
RUNNER := $(if $(NEXTEST),nextest run,test --lib --bins --tests)
IGNORED := $(if $(NEXTEST),--run-ignored only,-- --ignored --nocapture)

.DEFAULT_GOAL := help
.PHONY: help run build test check bench soak fuzz pictures gallery

help: ## Lists these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

run: ## Starts the whole street at http://127.0.0.1:8080; Ctrl-C ends it
	.ci/setup run
	cargo build --workspace --bins --profile $(PROFILE)
	exec $(BIN)/gulou-street $(ARGS)

build: ## Builds everything that the tests need
	.ci/setup run test
	cargo build --workspace --bins
	cargo test --workspace --no-run

test: ## Runs every test, also against real Mosquitto, PostgreSQL and Chromium
	.ci/setup run test
	cargo build --workspace --bins
	cargo test -q --workspace --doc
	cargo $(RUNNER) --workspace

check: ## Formatting, lints, dependencies and licences, documentation, fuzz targets
	.ci/setup check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo deny --log-level error check bans licenses sources
	@if timeout 60 cargo deny --log-level off fetch db >/dev/null 2>&1; then \
		cargo deny --log-level error check advisories; \
	else echo "advisories: NOT checked, the database cannot be fetched from here"; fi
	RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps
	cargo check -q --manifest-path fuzz/Cargo.toml --target-dir target

bench: ## Measures, and prints each figure beside its goal
	.ci/setup run test
	cargo build --release --workspace --bins
	cargo bench --workspace --benches

soak: ## The long storm: 10,000 events, 200 kills; and the terminal by keypad alone and by ear alone
	.ci/setup run
	cargo build --workspace --bins
	cargo $(RUNNER) -p tests --test city $(IGNORED)
	cargo test -p terminal --test glass -- --ignored _alone_

fuzz: ## Runs every fuzz target for SECONDS=60 each
	.ci/setup fuzz
	fuzz/run $(SECONDS)

gallery: ## Photographs every page of every item of the terminal into GALLERY=target/gallery
	.ci/setup test
	GULOU_GALLERY=$(abspath $(GALLERY)) cargo test -p terminal --test glass by_touch
	GULOU_GALLERY=$(abspath $(GALLERY)) cargo test -p terminal --test glass -- --ignored index
	@echo "open $(GALLERY)/index.html"

pictures: ## Takes the pictures of the documentation anew
	.ci/setup pictures
	cargo build --workspace --bins
	$(BIN)/gulou-street --port 0 --screenshots docs/pictures

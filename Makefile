# Everything a developer or a stranger runs. Servers come from the lab below .lab/ (tests/), nothing else is needed.
FUZZ_SECONDS ?= 600
.PHONY: demo test check lint deny install bench soak fuzz docs

demo: ; cargo run --release -p e2e --bin demo -- $(ARGS)
test: install ; cargo build --workspace --bins && cargo test --workspace --no-fail-fast -- --test-threads=2
check: ; .ci/run
lint: ; cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings
deny: ; .ci/deny
install: ; cargo run --quiet -p e2e --bin lab -- install
bench: ; cargo run --release -p e2e --bin bench -- $(ARGS)
soak: ; cargo run --release -p e2e --bin soak -- $(ARGS)
fuzz: ; .ci/fuzz $(FUZZ_SECONDS) $(TARGETS)
docs: ; UPDATE_DOCS=1 cargo test -p e2e --test configuration

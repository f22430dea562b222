# Everything a developer or a stranger runs. Servers come from the lab below .lab/ (tests/), nothing else is needed.
FUZZ_SECONDS ?= 600
# Of the demo: `dev` takes what the tests have built.
PROFILE ?= release
.PHONY: demo build test check lint deny install bench soak fuzz docs

demo: ; cargo run --profile $(PROFILE) -p e2e --bin demo -- $(ARGS)
build: ; cargo build --release --workspace --bin strait-connector --bin strait-sink
test: install ; .ci/test
check: ; .ci/run
lint: ; cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings
deny: ; .ci/deny
install: ; cargo run --quiet -p e2e --bin lab -- install
bench: ; cargo run --release -p e2e --bin bench -- $(ARGS)
soak: ; cargo run --release -p e2e --bin soak -- $(ARGS)
fuzz: ; .ci/fuzz $(FUZZ_SECONDS) $(TARGETS)
docs: ; UPDATE_DOCS=1 cargo test -p e2e --test configuration

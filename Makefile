# unbroken: `make run` and `make test` are the two commands; `make help` lists the others.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO        ?= go
PYTHON    ?= python3
TOOLS     := $(CURDIR)/.tools
LINT      := $(TOOLS)/bin/golangci-lint
LINT_PIN  := v2.15.0
VENV      := $(TOOLS)/venv
CDK       := localstack/node_modules/.bin/cdk
LOOP      ?= localstack/loop.yaml
FUNCTIONS := ingest-http ingest-queue ingest-alarm ingest-poll decide act outputs observer canary salvage sweeper archive
SEEDS     ?= 1000
FIRST     ?= 0
DUPLICATES ?= 1000000
# arm64 is what the stacks ask for on AWS; the emulator runs the host's own architecture.
ARCH      ?= $(shell $(GO) env GOHOSTARCH)
GOFLAGS_FUNCTION := -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 -ldflags '-s -w -buildid='
# Packages that need neither CDK (a minute to build cold) nor the emulator.
FAST      := $(shell $(GO) list ./... 2>/dev/null | grep -v -e /infra -e /localstack/e2e)

export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION = 1
export AWS_EC2_METADATA_DISABLED = true

.PHONY: help run test size mutants model sim test-fast test-infra test-e2e test-drains rules build functions lint vet race fuzz cfn-lint tools venv cdk bench cover clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build functions bundle venv cdk ## start everything locally, deploy two regions and the witness, send the samples (ONCE=1: exit after them)
	@bin/up $(if $(ONCE),--once) --loop $(LOOP)

# The half-dead suite waits for AWS's clock most of the time: fuzzing, below everything else, and the other suite go beside it.
test: vet lint race model size test-infra cfn-lint ## everything: vet, lint, unit tests with the race detector, templates, cfn-lint, fuzzing, end to end
	@$(MAKE) --no-print-directory -j 2 test-drains fuzz-and-e2e
	@echo "make test: all green"

test-fast: ## unit tests without infra and emulator (within 30 s warm)
	@$(GO) vet $(FAST)
	@$(GO) test $(FAST)

build: ## the command line (bin/unbroken), the local world (bin/up) and the CDK app (bin/infra)
	@echo "build: bin/unbroken, bin/up, bin/infra"
	@$(GO) build -o bin/ ./cmd/unbroken ./localstack/cmd/up ./infra

functions: ## the functions' binaries under dist/ (ARCH=arm64 for AWS)
	@echo "build: functions for $(ARCH)"
	@for f in $(FUNCTIONS); do \
	  case $$f in ingest-http) d=ingest/http;; ingest-queue) d=ingest/queue;; ingest-alarm) d=ingest/alarm;; ingest-poll) d=ingest/poll;; archive) d=ingest/archive;; act) d=act/deliver;; outputs) d=act/outputs;; sweeper) d=act/sweeper;; observer|canary|salvage) d=health/$$f;; *) d=$$f;; esac; \
	  mkdir -p dist/$$f && CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) $(GO) build $(GOFLAGS_FUNCTION) -o dist/$$f/bootstrap ./functions/$$d || exit 1; \
	done

.PHONY: bundle
bundle: build functions ## compile LOOP (default localstack/loop.yaml) into every function's package
	@bin/unbroken bundle $(LOOP) --out dist/bundle.json
	@for f in $(FUNCTIONS); do cp dist/bundle.json dist/$$f/bundle.json; done

rules: build ## the tests of the sample rules (unbroken test localstack/loop.yaml)
	@bin/unbroken test $(LOOP)

vet:
	@$(GO) vet ./...

lint: $(LINT) ## golangci-lint, pinned, installed into .tools/
	@$(LINT) run ./...

# One goroutine of a simulated world moves at a time: the race detector would find nothing there, ten times slower.
race: ## unit tests under the race detector, fuzz seeds included; the simulator's without it
	@$(GO) test -race $(filter-out %/internal/sim %/internal/mutants,$(FAST))
	@$(GO) test ./internal/sim/... ./internal/mutants

GUARD ?= .
mutants: ## take each guard out of the code and see that a test notices; writes docs/mutants.md (half an hour; GUARD='regexp': those only)
	@set -o pipefail; MUTANTS='$(GUARD)' $(GO) test -count=1 -timeout 60m -v -run TestEachMutantIsCaught ./internal/mutants | grep -v -e '^=== ' -e '^---'

size: ## decide as it is shipped (arm64, zipped) stays under 9 MB, and polls within 25 ms of its start
	@mkdir -p .local/size && CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build $(GOFLAGS_FUNCTION) -o .local/size/bootstrap ./functions/decide && \
	  $(PYTHON) -c "import zipfile,os,sys; z=zipfile.ZipFile('.local/size/decide.zip','w',zipfile.ZIP_DEFLATED,compresslevel=9); z.write('.local/size/bootstrap','bootstrap'); z.close(); n=os.path.getsize('.local/size/decide.zip'); print('size: decide.zip has %d bytes' % n); sys.exit(n >= 9_000_000)"
	@set -o pipefail; START=1 $(GO) test -count=1 -v -run TheFirstPoll ./functions/decide | grep -e start_test -e FAIL -e '^ok'

MODEL ?= quick
model: ## every order of the steps of act's and decide's stages (MODEL=deep: with more faults at once; long)
	@set -o pipefail; MODEL=$(MODEL) $(GO) test -cpu 1 -count=1 -timeout 60m -run Model -v ./internal/act ./internal/decide | grep -E -e '--- FAIL|runs to|^(ok|FAIL)|_test.go'

sim: ## the simulator: SEEDS=n seeds from FIRST on and a million duplicates (SEED=x: that one, with its timeline)
	@$(GO) build -o bin/simulate ./internal/sim/simulate
ifdef SEED
	@bin/simulate -seed $(SEED)
else
	@bin/simulate -seeds $(SEEDS) -first $(FIRST)
	@bin/simulate -duplicates $(DUPLICATES)
endif

FUZZTIME ?= 10s
fuzz: ## each parser is fuzzed for FUZZTIME, below everything else; KEEP=20 keeps what widened the coverage
	@.ci/fuzz $(FUZZTIME)

test-infra: functions ## CDK template tests
	@$(GO) test ./infra/...

cfn-lint: build functions bundle venv ## the synthesized templates, for AWS and for the emulator
	@rm -rf .local/synth && for mode in aws emulator; do \
	  mkdir -p .local/synth/$$mode && (cd infra && CDK_OUTDIR=$(CURDIR)/.local/synth/$$mode CDK_CONTEXT_JSON="{\"loop\":\"$(CURDIR)/$(LOOP)\",\"dist\":\"$(CURDIR)/dist\",\"emulator\":\"$$([ $$mode = emulator ] && echo 1)\"}" $(CURDIR)/bin/infra) || exit 1; \
	done
	@$(VENV)/bin/cfn-lint -i W3005 -- .local/synth/*/*.template.json && echo "cfn-lint: clean"

E2E := $(GO) test -tags e2e -count=1 -p 1 -timeout 20m ./localstack/... # one world at a time
test-e2e: build functions venv cdk ## the end-to-end suite on the emulator
	@$(E2E)

.PHONY: fuzz-and-e2e
fuzz-and-e2e: build functions venv cdk fuzz
	@$(E2E)

test-drains: build functions venv cdk ## end to end where observers drain: half-dead regions and a liar, in a world of their own and AWS's time (20 min)
	@DRAIN=automatic $(GO) test -tags e2e -count=1 -timeout 40m -v -run 'AreDrained|FlipsNothing' ./localstack/e2e

CORE := ./internal/loop,./internal/rule,./internal/decide,./internal/act,./internal/ingest,./internal/outputs,./internal/explain
comma := ,
cover: ## coverage of the pure core by its own tests: at least 90 %
	@mkdir -p .local && $(GO) test -coverpkg=$(CORE) -coverprofile .local/core.cov $(subst $(comma), ,$(CORE)) > .local/core.txt || { cat .local/core.txt; exit 1; }
	@$(GO) tool cover -func .local/core.cov | awk '/^total:/ { print "cover: " $$3 " of the pure core"; exit $$3 + 0 < 90 }'

bench: ## benchmarks of the hot path, with allocations
	@$(GO) test -run '^$$' -bench . -benchmem -cpu 1 ./internal/decide/... ./internal/rule/... ./internal/backtest/...

.PHONY: backtest-bench
backtest-bench: ## a backtest of a million signals: seconds, processor time, memory
	@set -o pipefail; MILLION=1 $(GO) test -count=1 -v -run AMillion ./internal/backtest | grep -e million_test -e FAIL -e '^ok'

tools: $(LINT) venv cdk ## everything pinned that the project installs, inside the project

$(LINT):
	@echo "install: golangci-lint $(LINT_PIN) into .tools/bin (about 75 s, once)"
	@GOBIN=$(TOOLS)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_PIN)

venv: $(VENV)/.done
$(VENV)/.done: localstack/requirements.txt
	@echo "install: emulator and cfn-lint into .tools/venv (about 40 s, once)"
	@$(PYTHON) -m venv $(VENV) && $(VENV)/bin/pip install --quiet --disable-pip-version-check -r localstack/requirements.txt && touch $@

cdk: localstack/node_modules/.done
localstack/node_modules/.done: localstack/package-lock.json
	@echo "install: aws-cdk into localstack/node_modules (once)"
	@cd localstack && npm ci --silent --no-audit --no-fund && touch node_modules/.done

clean: ## remove what the build made
	@rm -rf bin dist .local cdk.out

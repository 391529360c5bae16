# Every target says what it does after two number signs; `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
# No binary depends on where this folder is, and no cache does.
export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS)) -trimpath
TOOL := $(GO) tool -modfile=tools/go.mod
STEP := bash .ci/step

# What `cohort version` says: VERSION, else the nearest tag, else devel.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -X main.version=$(VERSION)

# The race detector needs a C compiler. One mode for vet, tests and the
# programs that tests start means that every package is compiled once. What
# takes minutes under it runs without: simulated runs, the programs and whole
# trainings, and the commands of the README and of the CLI. test-race runs with
# it the programs, and what computes much and shares little.
RACED_APART := endtoend interop job/spec learner checkpoint/scrub traces/threads cmd/internal/doctor
UNRACED := $(RACED_APART) docs cmd/cohort simulation endtoend/training examples/countdown
BENCHES := bench/learning/trainer bench/system# run whole systems, and are tested apart
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

# Tests wait more than they compute: four packages at a time keep two cores busy.
TESTING := -p=4 -parallel=4 -ldflags=-w -vet=off -shuffle=on -timeout=10m

SEED ?= 1
RUNS ?= 1000

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## train the example agent in one process, nothing else to install (FLAGS="--steps 50")
	bin/cohort demo $(FLAGS)

.PHONY: build
build: ## build cohort, coordinator and worker into bin/
	@mkdir -p bin
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: test
test: export GOGC := 400# compilers and tests take a third less time
test: export GORACE := atexit_sleep_ms=10# instead of a second at the end of each of some hundred processes
test: ## build, vet and test everything, the docs' commands included
	@$(if $(RACE),,echo 'cgo is off or $(shell $(GO) env CC) is missing: testing without the race detector')
	@$(STEP) build $(GO) build $(RACE) $$($(GO) list -f '{{if and .GoFiles (ne .Name "main")}}{{.ImportPath}}{{end}}' ./...) # tests link the programs
	@$(STEP) vet $(GO) vet $(RACE) ./...
	@$(STEP) tests $(GO) test $(RACE) $(TESTING) $$($(GO) list ./... | grep -vE '/($(subst $() ,|,$(UNRACED) $(BENCHES)))$$')
	@$(STEP) 'long tests' $(GO) test $(TESTING) $(UNRACED:%=./%)

.PHONY: test-race
test-race: export GORACE := atexit_sleep_ms=10
test-race: ## test with the race detector what test leaves out: programs, and what computes much
	@$(STEP) 'with the race detector' $(GO) test $(RACE) $(TESTING) $(RACED_APART:%=./%)

.PHONY: test-bench
test-bench: ## test the benchmarks that run whole systems
	@$(STEP) benchmarks $(GO) test $(TESTING) $(BENCHES:%=./%)

.PHONY: services-up
services-up: ## install (where missing) and start real Redis, Kafka and MinIO on loopback
	@deploy/services/up

.PHONY: services-down
services-down: ## stop exactly what services-up started
	@deploy/services/down

.PHONY: test-services
test-services: build ## run the integration tests on real services of their own, and stop those; train for other machines
	@bash .ci/services $(STEP) services $(GO) test -tags services -count=1 -timeout=15m ./integration
	@$(STEP) chaos $(GO) run ./integration/chaos -kills 20
	@$(STEP) machines $(GO) test -tags services -count=1 -timeout=30m ./endtoend/machines

.PHONY: chaos
chaos: build ## kill, stop, cut and slow everything but the agent while jobs run on real services (KILLS=20 SEED=1)
	$(GO) run ./integration/chaos -kills $(or $(KILLS),20) -seed $(SEED) -each $(or $(EACH),$(if $(filter 200,$(KILLS)),3,0))

.PHONY: soak
soak: build ## run jobs on real services for half an hour; nothing may grow (SOAK=30m)
	$(GO) run ./integration/chaos -soak $(or $(SOAK),30m)

.PHONY: test-faults
test-faults: build ## the same with more kills, and kill the demo (KILLS=10)
	@bash .ci/services $(STEP) 'services and faults' $(GO) test -tags services -count=1 -timeout=0 -v ./integration -args -kills=$(or $(KILLS),10) -commits=1000 -events=200000 -outage=60 -producer-kills=100 -weather=120 -losses -soak=60s
	@$(STEP) chaos $(GO) run ./integration/chaos -kills 200 -each 3
	@$(STEP) 'ten million frames' $(GO) test -count=1 -timeout=0 -v ./telemetry -run 'RandomFrames|ZipBomb' -args -frames=10000000
	@$(STEP) 'folders and faults' $(GO) test -count=1 -timeout=0 -v ./blob/fs -run 'Processes|Restarted|Killed|Acknowledged' -args -kills=$$((20 * $(or $(KILLS),10))) -restarts=$(or $(KILLS),10) -commits=1000
	@$(STEP) 'many jobs' $(GO) test -count=1 ./endtoend -run SmallJobsEndBeside -args -jobs=200
	@$(STEP) 'gradient shards' $(GO) test -count=1 ./endtoend -run GradientShards -args -workers=3,8
	@$(STEP) 'demo and faults' $(GO) test -count=1 -timeout=0 ./endtoend/training -args -kills=$(or $(KILLS),10) -steps=10
	@$(STEP) 'every byte flipped' $(GO) test -count=1 -timeout=0 ./checkpoint/scrub -args -faults
	@$(STEP) 'damaged demos' $(GO) test -count=1 -timeout=0 ./endtoend/training -v -run "TestDemoOutlives|TestDamage" -args -damage
	@$(STEP) 'rot and retention' $(GO) test -count=1 -timeout=0 ./simulation -run 'TestJobsOutlive|TestPruning' -args -rots=1000
	@$(STEP) 'retention and stalls' $(GO) test -count=1 -timeout=0 -v ./retention -run NeverMiss -args -soak=60s

.PHONY: fuzz
fuzz: ## run every fuzz target for a while (FUZZTIME=30s FUZZ=pattern)
	@bash .ci/fuzz '$(or $(FUZZTIME),30s)' '$(FUZZ)'

.PHONY: lint
lint: ## check style, import direction, arithmetic, dead code and go.mod
	@$(STEP) golangci-lint $(TOOL) golangci-lint run ./...
	@$(STEP) 'fused products' $(GO) test -tags fusion -run IsFused ./numerics
	@$(STEP) deadcode bash .ci/silent $(TOOL) deadcode -test ./...
	@$(STEP) go.mod $(GO) mod tidy -diff
	@$(STEP) tools/go.mod $(GO) -C tools mod tidy -diff

.PHONY: bench
bench: ## run the benchmarks (BENCH=pattern, PKG=packages)
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem $(or $(PKG),./...)

.PHONY: learning
learning: ## train countdown with ten seeds and hold it against the reference curves (FLAGS="-seeds 3")
	$(GO) run ./bench/learning $(FLAGS)

.PHONY: ablation
ablation: ## train countdown with one setting changed at a time (FLAGS="-seeds 3")
	@$(GO) run ./bench/learning/ablation $(FLAGS)

.PHONY: bench-loss
bench-loss: ## measure the loss against TRL and PyTorch, which it installs into .cache
	$(GO) run ./bench/loss $(FLAGS)

.PHONY: bench-checkpoint
bench-checkpoint: ## measure saving and loading against minio-go and cp, on a disk and on real MinIO
	@mkdir -p bin
	@$(GO) build -o bin/bench-checkpoint ./bench/checkpoint
	@bash .ci/services bin/bench-checkpoint $(FLAGS)

.PHONY: bench-telemetry
bench-telemetry: ## measure recording and auditing events against kafka-go alone, on real Kafka
	@mkdir -p bin
	@$(GO) build -o bin/bench-telemetry ./bench/telemetry
	@bash .ci/services bin/bench-telemetry $(FLAGS)

.PHONY: bench-receiver
bench-receiver: ## measure spans a second from exporters to Kafka against a raw kafka-go Writer, on real Kafka
	@mkdir -p bin && $(GO) build -o bin/bench-receiver ./bench/receiver && bash .ci/services bin/bench-receiver $(FLAGS)
.PHONY: bench-collect
bench-collect: ## measure collecting threads against bare fetch loops, on real Kafka (FLAGS="-rounds 3")
	@mkdir -p bin
	@$(GO) build -o bin/bench-collect ./bench/collect
	@bash .ci/services bin/bench-collect $(FLAGS)

.PHONY: bench-system
bench-system: build ## measure whole systems: rollouts per second, overhead, CPU (FLAGS="-seconds 10s")
	$(GO) run ./bench/system $(FLAGS)

.PHONY: simulate
simulate: ## run jobs under simulated faults, all scenarios by seed (SEED=1 RUNS=1000)
	@mkdir -p bin
	@$(GO) test -c -vet=off -ldflags=-w -o bin/simulation.test ./simulation
	@GODEBUG=adaptivestackstart=1 bin/simulation.test -test.run=TestJobsEndAsIfNothing -test.timeout=0 -seed=$(SEED) -runs=$(RUNS)

.PHONY: clean
clean: ## delete what was built and cached in this folder
	rm -rf bin .cache coverage.* *.test *.out

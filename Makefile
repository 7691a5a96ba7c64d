# The commands that developers run. `make help` lists them.

# The flags that Pulumi builds programs with, so that tests, builds and `pulumi up` share one build cache.
export GOFLAGS := -buildvcs=false -trimpath
BIN := .webstack/bin

# Package, target and number of inputs. Not a duration: a target that is busy when its time is up
# is reported as failed (https://go.dev/issue/75804).
FUZZ := config:FuzzLoad:3000x appcompose/render:FuzzRender:5000x contract:FuzzDecodeManifest:20000x \
	contract:FuzzDecodeBackup:20000x internal/naming:FuzzName:100000x \
	internal/operate/appfile:FuzzAdd:20000x internal/operate/appfile:FuzzRemove:20000x \
	internal/datachannel:FuzzDecode:30000x

# The folders of the Go modules that are linted.
MODULES := . local e2e examples/hello

# The end-to-end tests that need Docker, the longest first.
HOST_TESTS := ./hosts ./deploys ./backups ./host ./apps ./machine ./images ./session ./browser ./registry

.DEFAULT_GOAL := help
.PHONY: help up preview down test test-unit test-laptop test-engine test-hosts test-fuzz soak lint fmt bench \
	$(BIN)/webstack $(BIN)/webstack-local

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(BIN)/webstack $(BIN)/webstack-local ## start the laptop cloud and bring up the stack local; if it is up, apply what changed
	@$(BIN)/webstack-local up

preview: $(BIN)/webstack-local ## show what `make up` would change
	@$(BIN)/webstack-local preview

down: $(BIN)/webstack-local ## destroy the stack local, stop the laptop cloud, remove what is left
	@$(BIN)/webstack-local down

test: test-unit test-laptop test-engine test-hosts test-fuzz ## run all tests; needs Go, Python and Docker, but no credentials

test-unit: $(BIN)/actionlint ## run the tests of the root module, with the race detector
	go test -race ./...
	go test ./host/backup -run 'TestEveryFault|TestSoak'
	go test -C examples/hello -race ./...

test-laptop: $(BIN)/webstack-local ## run the tests of the laptop cloud
	@$(BIN)/webstack-local build
	go test -C local ./...

test-engine: $(BIN)/webstack-local ## run Pulumi on the laptop cloud, without hosts
	@$(BIN)/webstack-local build
	go test -C e2e -timeout 40m ./engine ./render

test-hosts: $(BIN)/webstack-local ## run hosts, apps and a browser on the laptop cloud
	@$(BIN)/webstack-local build
	go test -C e2e -timeout 40m $(HOST_TESTS)

test-fuzz: ## run each fuzz target for a fixed number of inputs
	@for fuzz in $(FUZZ); do \
		set -- $$(echo "$$fuzz" | tr : ' '); \
		echo "go test ./$$1 -fuzz $$2 -fuzztime $$3"; \
		go test "./$$1" -run '^$$' -fuzz "^$$2\$$" -fuzztime "$$3" -fuzzminimizetime 10x || exit 1; \
	done

soak: ## back up and restore 1,000 times under random faults; SEED=N repeats a soak, RUNS=N makes another number of runs
	WEBSTACK_SOAK=$(or $(RUNS),1000) WEBSTACK_SOAK_SEED=$(SEED) go test ./host/backup -run '^TestSoak$$' -count 1 -v -timeout 2h

lint: $(BIN)/golangci-lint $(BIN)/actionlint $(BIN)/govulncheck ## check formatting, rules, workflows and known vulnerabilities
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	@for module in $(MODULES); do echo "lint module $$module"; \
		(cd $$module && go vet ./... && "$(CURDIR)/$(BIN)/golangci-lint" run -c "$(CURDIR)/.golangci.yml" ./...) || exit 1; \
	done
	$(BIN)/actionlint
	@if curl -fsS --max-time 20 -o /dev/null https://vuln.go.dev/index/db.json; then for module in $(MODULES); do $(BIN)/govulncheck -C $$module ./... || exit 1; done; \
		else echo "govulncheck: skipped, because the vulnerability database cannot be reached"; fi

fmt: ## format the Go code
	git ls-files -co --exclude-standard '*.go' | xargs gofmt -w

bench: ## measure rendering, and preview and up with 2, 20 and 200 apps next to a baseline
	go test ./appcompose/render -run '^$$' -bench . -benchmem
	go test -C e2e -run '^$$' -bench . -benchtime 1x -timeout 2h ./...

# Always run: the Go tool knows best whether anything changed.
$(BIN)/webstack:
	@go build -ldflags='-s -w' -o $@ ./cmd/webstack

$(BIN)/webstack-local:
	@go build -C local -o ../$@ ./cmd/webstack-local

$(BIN)/golangci-lint: tools/lint/go.mod
	go build -C tools/lint -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/govulncheck: tools/lint/go.mod
	go build -C tools/lint -o ../../$@ golang.org/x/vuln/cmd/govulncheck

$(BIN)/actionlint: tools/actionlint/go.mod
	go build -C tools/actionlint -o ../../$@ github.com/rhysd/actionlint/cmd/actionlint

$(BIN)/session-manager-plugin: tools/sessionplugin/go.mod
	go build -C tools/sessionplugin -o ../../$@ github.com/aws/session-manager-plugin/src/sessionmanagerplugin-main

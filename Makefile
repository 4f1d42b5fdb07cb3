# What people do with this repository, by name. `make` alone lists it.
VERSION ?=
FUZZTIME ?= 30s
ARGS ?=

help: ## list what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

build: ## the program, ./moonwatch; VERSION=1.2.3 names it
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o moonwatch .

test: ## all tests
	go test ./...

race: ## tests of what is concurrent, with the race detector
	go test -race -short ./engine/... ./luaapi/... ./storage/...

lint: ## formatting, vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	LINT_REQUIRED=1 .ci/lint

fuzz: ## each fuzz test for FUZZTIME (30s)
	FUZZTIME=$(FUZZTIME) .ci/fuzz

bench: ## measures the whole program; ARGS="-seconds 60 http" are flags and parts
	go run ./internal/bench $(ARGS)

microbench: ## benchmarks of its parts
	go test -run '^$$' -bench . ./internal/cli ./luaapi/... ./plugins ./storage

gate: ## all that must hold before a change is taken
	.ci/run

.PHONY: help build test race lint fuzz bench microbench gate

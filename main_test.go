package main

import (
	"testing"

	"moonwatch/internal/cli"
	"moonwatch/internal/programtest"
)

// The tests of this package run the whole program as a process of its own, as
// people do; rooms_test.go alone looks at its code.

func TestMain(m *testing.M) {
	programtest.RunTests(m, func(args []string) int { return cli.Main("", args) })
}

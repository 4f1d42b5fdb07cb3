package main

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"moonwatch/internal/cli"
	"moonwatch/internal/programtest"
)

// The tests of this package run the whole program as a process of its own, as
// people do; rooms_test.go alone looks at its code.

func TestMain(m *testing.M) {
	// Tests beside each other wait for monitors rather than compute. -parallel says otherwise.
	flag.Set("test.parallel", fmt.Sprint(max(3, runtime.GOMAXPROCS(0))))
	programtest.RunTests(m, func(args []string) int { return cli.Main("", args) })
}

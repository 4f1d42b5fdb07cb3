// Command measure prints how the code is cut: how long files and functions are,
// which types have the most methods, and how many files of a package form a
// circle in which each reaches each other.
//
//	go run ./internal/measure             # the whole module
//	go run ./internal/measure -top 5 ./engine/...
//
// Package patterns come in, as the go command takes them; a plain text of tables
// goes out. Tests and generated files are not counted. It only reads: what is too
// large is for people to say, and the figures of two commits are there to be
// compared. It needs the go command, which compiles what is measured.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	top := flag.Int("top", 10, "how many of the largest types and functions are printed")
	flag.Parse()
	patterns := flag.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	packages, err := load(".", patterns)
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
	report(os.Stdout, packages, *top)
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// measureScale registers many checks, most of which wait, and looks at what depends
// on how many there are.
func measureScale(b *bench) {
	sizes := slices.DeleteFunc([]int{1000, 10_000, 100_000}, func(n int) bool { return n > b.checkCount })
	if b.million {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		label := fmt.Sprintf("%d checks: ", n)
		m := b.monitor()
		b.serve(m)
		m.AwaitPlugin("quick", "1")
		v := b.visitor(m)
		b.less(label+"made", ms(importChecks(v, n))/1000, "s")
		b.held(m, label+"just made")
		b.less(label+"stop", ms(b.stop(m)), "ms")
		b.less(label+"start", ms(b.serve(m)), "ms")
		b.held(m, label+"just started")
		time.Sleep(time.Minute) // by then each that had missed a slot has run
		w := b.window(m, label)
		b.figures(label, &w)
		b.held(m, label+"a minute later")
		look(v, label)
		b.stop(m)
	}
}

// look records how long edits and pages take.
func look(v *visitor, label string) {
	ids := v.someIDs("checks", views)
	var edits []time.Duration
	for i, id := range ids {
		edits = append(edits, v.edit(id, i))
	}
	v.b.spread(label+"edit", edits)
	v.pages(label, [][2]string{
		{"dashboard", "/"},
		{"check list", "/checks"},
		{"search", "/checks?q=000777"},
		{"check page", "/checks/" + ids[0]},
		{"API list", "/api/v1/checks"},
		{"API by name", "/api/v1/checks?name=check%20000777"},
		{"API summary", "/api/v1/checks/" + ids[0] + "/summary"},
		{"metrics", "/metrics"},
	})
}

// intervals are those of checks that wait most of the time.
var intervals = []string{"1m", "5m", "15m", "1h"}

// importPiece is how many checks are imported at once, so that a document stays
// within its bound.
const importPiece = 100_000

// importChecks makes checks without I/O by importing them, and returns how long
// that took.
func importChecks(v *visitor, n int) time.Duration {
	begun := time.Now()
	for from := 0; from < n; from += importPiece {
		v.ask("POST", "/api/v1/import", "application/yaml", []byte(document(from, min(from+importPiece, n))))
		v.b.Logf("%d checks are there", min(from+importPiece, n))
	}
	return time.Since(begun)
}

// document has the checks of these numbers.
func document(from, to int) string {
	var text strings.Builder
	text.WriteString("moonwatch: 1\nchecks:\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "- {name: %s, plugin: quick, interval: %s, config: {n: %d}}\n", checkName(i), intervals[i%len(intervals)], i+1)
	}
	return text.String()
}

func checkName(i int) string { return fmt.Sprintf("check %06d", i) }

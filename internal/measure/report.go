package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// report prints all tables. top bounds those of types and functions.
func report(w io.Writer, units []*unit, top int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "package\tfiles\tlines\tp50\tp90\tlargest\t\tcircle")
	var every []sized
	for _, u := range units {
		sizes := u.fileSizes()
		if len(sizes) == 0 {
			continue // all of it is generated
		}
		every = append(every, sizes...)
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\n", u.path, len(sizes), sum(sizes), at(sizes, 50), at(sizes, 90), sizes[0].lines, sizes[0].name, len(u.circle()))
	}
	if len(every) > 0 {
		slices.SortFunc(every, largestFirst)
		fmt.Fprintf(t, "all\t%d\t%d\t%d\t%d\t%d\t%s\t\n", len(every), sum(every), at(every, 50), at(every, 90), every[0].lines, every[0].name)
	}
	t.Flush()

	var types []methods
	var functions []sized
	for _, u := range units {
		types = append(types, u.methodCounts()...)
		functions = append(functions, u.functions()...)
	}
	slices.SortFunc(types, mostMethodsFirst)
	slices.SortFunc(functions, largestFirst)
	fmt.Fprintln(t, "\ntype\tmethods\texported")
	for _, m := range types[:min(top, len(types))] {
		fmt.Fprintf(t, "%s\t%d\t%d\n", m.name, m.all, m.exported)
	}
	t.Flush()
	fmt.Fprintln(t, "\nfunction\tlines")
	for _, f := range functions[:min(top, len(functions))] {
		fmt.Fprintf(t, "%s\t%d\n", f.name, f.lines)
	}
	if len(functions) > 0 {
		fmt.Fprintf(t, "all %d: p50\t%d\nall %d: p90\t%d\nall %d: p99\t%d\n", len(functions), at(functions, 50), len(functions), at(functions, 90), len(functions), at(functions, 99))
	}
	t.Flush()
}

func sum(list []sized) (n int) {
	for _, s := range list {
		n += s.lines
	}
	return n
}

// at is the size below or at which so many percent of a list are, which has the
// largest first and is not empty.
func at(list []sized, percent int) int {
	i := (len(list)*percent + 99) / 100 // of the smallest first, from 1
	return list[len(list)-max(i, 1)].lines
}

package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
)

// compareFiles prints two reports beside one another.
func compareFiles(w io.Writer, paths []string) error {
	if len(paths) != 2 {
		return errors.New("bench compare A.json B.json")
	}
	a, err := readReport(paths[0])
	if err != nil {
		return err
	}
	b, err := readReport(paths[1])
	if err != nil {
		return err
	}
	compare(w, a, b)
	return nil
}

// compare prints the medians of both reports with the change in percent; what
// only one of them has stands alone.
func compare(w io.Writer, a, b *report) {
	fmt.Fprint(w, "A: ", a.heading(), "B: ", b.heading(), "\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "\tA\tB\t\tchange")
	for _, f := range a.Figures {
		name := f.Part + ": " + f.Name
		if g := b.find(f.Part, f.Name); g != nil {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, number(f.Median), number(g.Median), f.Unit, change(f, g))
		} else {
			fmt.Fprintf(table, "%s\t%s\t-\t%s\t\n", name, number(f.Median), f.Unit)
		}
	}
	for _, g := range b.Figures {
		if a.find(g.Part, g.Name) == nil {
			fmt.Fprintf(table, "%s: %s\t-\t%s\t%s\t\n", g.Part, g.Name, number(g.Median), g.Unit)
		}
	}
}

// change is how far b's median is from a's in percent. It is marked when the
// rounds of the two do not overlap: then noise alone hardly explains it.
func change(a, b *figure) string {
	if a.Median == 0 {
		if b.Median == 0 {
			return "0 %"
		}
		return ""
	}
	text := fmt.Sprintf("%+.1f %%", 100*(b.Median-a.Median)/a.Median)
	switch {
	case len(a.Values) < 3 || len(b.Values) < 3:
	case worst(a.Values, true) > worst(b.Values, false):
		text += word(b.More, " worse", " better")
	case worst(b.Values, true) > worst(a.Values, false):
		text += word(b.More, " better", " worse")
	}
	return text
}

func word(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

package web

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/pluginedit"
)

func TestDiff(t *testing.T) {
	for _, tt := range []struct{ before, after, want string }{
		{"a\nb\nc\n", "a\nb\nc\n", ""},
		{"a\nb\nc\n", "a\nx\nc\n", " a -b +x  c"},
		{"", "a\nb\n", "+a +b"},
		{"a\nb\n", "", "-a -b"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nnew\n5\n6\n7\n8\n9\n", " 2  3  4 +new  5  6  7"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n", "-1 +x  2  3  4 …  6  7  8 -9 +y"},
		{"a\nb\na\n", "b\na\nb\n", "+b  a  b -a"},
	} {
		var got []string
		for _, l := range pluginedit.DiffTexts(tt.before, tt.after).Lines {
			got = append(got, map[string]string{"same": " ", "in": "+", "out": "-", "gap": "…"}[l.Kind]+l.Text)
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("from %q to %q: got %q, want %q", tt.before, tt.after, text, tt.want)
		}
	}
	if d := pluginedit.DiffTexts("a", "a\n"); d.Same() || len(d.Lines) != 0 {
		t.Errorf("another end of the last line gives %+v", d)
	}
}

// TestDiffIsWhole builds both texts again from all lines of their difference.
func TestDiffIsWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(random.IntN(6))
		}
		return out
	}
	for n := range 200 {
		before, after := text(random.IntN(30)), text(random.IntN(30))
		if n == 0 { // more changes than are searched for the fewest
			before, after = text(1500), text(1500)
		}
		var olds, news []string
		for _, l := range pluginedit.DiffLines(before, after) {
			if l.Kind != "in" {
				olds = append(olds, l.Text)
				if l.Old != len(olds) {
					t.Fatalf("line %d bears the number %d", len(olds), l.Old)
				}
			}
			if l.Kind != "out" {
				news = append(news, l.Text)
				if l.New != len(news) {
					t.Fatalf("line %d bears the number %d", len(news), l.New)
				}
			}
		}
		if strings.Join(olds, ",") != strings.Join(before, ",") || strings.Join(news, ",") != strings.Join(after, ",") {
			t.Fatalf("from %v to %v: %v %v", before, after, olds, news)
		}
	}
}

// TestNoEditor holds the pages of a registry that cannot be written.
func TestNoEditor(t *testing.T) {
	h := peopled(t)
	h.get(access.Admin, "/plugin-editor").want(t, 503, "cannot be edited here")
	h.get(access.Admin, "/plugin-editor/probe").want(t, 503)
	h.post(access.Admin, "/plugin-editor/probe", "do", "write", "file.0", "", "text.0", "x").want(t, 503)
	h.get(access.Admin, "/plugins/probe").want(t, 200).without(t, "/plugin-editor/")
	h.get(access.Admin, "/plugins").want(t, 200).without(t, "/plugin-editor")
}

func TestCostOfPlugins(t *testing.T) {
	h := peopled(t)
	h.get(access.Viewer, "/plugins/probe").want(t, 200).without(t, "Cost since Moonwatch started")
	h.web.Options.Runs = func() engine.RunStats {
		return engine.RunStats{Plugins: map[string]engine.PluginStats{"probe": {Runs: 4, Errors: 1, Limits: 2, Took: 6 * time.Second, Memory: 5 << 20}}}
	}
	h.get(access.Viewer, "/plugins").want(t, 200, "4 runs, "+drawing.FormatSeconds(6), "5.0 MiB", "3 errors")
	h.get(access.Viewer, "/plugins/probe").want(t, 200, "Cost since Moonwatch started", "<strong>"+drawing.FormatSeconds(1.5)+"</strong>", "of instructions, memory or depth",
		"<strong>5.0 MiB</strong>", "the most that a weighed run held")
}

package state_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/state"
	"moonwatch/storage/storagetest"
)

// TestScan holds how the iterators over records end: at the last record, at the
// first that cannot be read, at the loop's break, with the context.
func TestScan(t *testing.T) {
	store := storagetest.NewMemory()
	put := func(id, data string) {
		r := engine.Record{Kind: engine.KindAudit, ID: id, Data: []byte(data)}
		if err := store.Apply(t.Context(), &engine.Batch{ID: id, Puts: []engine.Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
	put("a/1", `{"object":"one"}`)
	put("a/2", `{"object":"two"}`)
	put("b/1", `nothing`)
	put("b/2", `{"object":"four"}`)
	scan := func(ctx context.Context, q engine.Query, most int) (seen []string, last error) {
		for a, err := range state.Scan[engine.AuditEntry](ctx, store, engine.KindAudit, q) {
			if err != nil {
				last = err
				continue
			}
			if seen = append(seen, a.Object); len(seen) == most {
				break
			}
		}
		return seen, last
	}
	for _, tt := range []struct {
		q    engine.Query
		most int
		want string
		err  string
	}{
		{engine.Query{Prefix: "a/"}, 0, "one two", ""},
		{engine.Query{}, 1, "one", ""},
		{engine.Query{}, 0, "one two", "read audit b/1: "},
		{engine.Query{Reverse: true}, 0, "four", "read audit b/1: "},
		{engine.Query{Prefix: "c/"}, 0, "", ""},
	} {
		seen, err := scan(t.Context(), tt.q, tt.most)
		if got := strings.Join(seen, " "); got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%+v: %q, %v; want %q, %q", tt.q, got, err, tt.want, tt.err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if seen, err := scan(ended, engine.Query{}, 0); len(seen) > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %q, %v", seen, err)
	}
}

package monitor_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/form"
	"moonwatch/storage/storagetest"
)

// many is a document of n checks and a service with all of them.
func many(n int) []byte {
	var b strings.Builder
	b.WriteString(head + "checks:\n")
	for i := range n {
		fmt.Fprintf(&b, "- {name: check %d, plugin: probe, interval: 1h, config: {target: host%d, password: secret%d}}\n", i, i, i)
	}
	b.WriteString("services:\n- name: all\n  status_checks:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - check %d\n", i)
	}
	return []byte(b.String())
}

func TestImportOfManyChecks(t *testing.T) {
	n := 5000
	if testing.Short() || raceEnabled {
		n = 1000
	}
	b := newConfigBench(t)
	defer b.e.Stop()
	began := time.Now()
	report := importInto(t, b, many(n), importer.ImportOptions{})
	took := time.Since(began)
	if report.Created != n+1 || len(b.e.Targets.Services()[0].StatusChecks) != n {
		t.Errorf("created %d", report.Created)
	}
	if took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	t.Logf("%d checks in %s", n, took)
}

func TestImportCutShort(t *testing.T) {
	source := newConfigBench(t)
	defer source.e.Stop()
	fill(t, source)
	importInto(t, source, many(1200), importer.ImportOptions{})
	data := export(t, source, "p")

	target := func(t *testing.T) *bench {
		b := newConfigBench(t)
		old := engine.NewCheck()
		old.Name, old.Plugin, old.Config = "old", "rich", form.Values{"endpoint": "x"}
		must[*engine.Check](t)(b.e.Checks.SaveCheck(t.Context(), admin, old))
		return b
	}
	options := importer.ImportOptions{Passphrase: "p", Prune: true}
	whole := target(t)
	nothing := export(t, whole, "")
	var cuts []*storagetest.Memory // what a process that ends after each batch leaves
	whole.store.SetAfter(func(batch *engine.Batch) error {
		if importing(batch) {
			cuts = append(cuts, whole.store.Clone())
		}
		return nil
	})
	importInto(t, whole, data, options)
	whole.store.SetAfter(func(*engine.Batch) error { return nil })
	all := export(t, whole, "")
	whole.e.Stop()
	if !bytes.Equal(all, export(t, source, "")) {
		t.Fatal("the import is not the same as the source")
	}
	complete := 0
	for i, cut := range cuts {
		after := newConfigBench(t)
		after.e.Stop()
		after.store = cut
		after.start()
		switch got := export(t, after, ""); {
		case bytes.Equal(got, all):
			complete++
		case !bytes.Equal(got, nothing):
			t.Errorf("after batch %d: it is neither", i+1)
		}
		left := 0
		if err := after.store.Scan(t.Context(), engine.KindMark, engine.Query{After: "import/"}, func(r engine.Record) bool {
			if strings.HasPrefix(r.ID, "import/") {
				left++
			}
			return true
		}); err != nil || left > 0 {
			t.Errorf("after batch %d: %d pieces are left, %v", i+1, left, err)
		}
		after.e.Stop()
	}
	if complete < 4 {
		t.Errorf("%d cuts were completed, want the journal and each piece", complete)
	}
}

func TestImportRacesWithEdits(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			c := engine.NewCheck()
			c.Name, c.Plugin, c.Config = fmt.Sprint("by hand ", i), "rich", form.Values{"endpoint": "x"}
			if _, err := b.e.Checks.SaveCheck(t.Context(), admin, c); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 20 {
		if _, err := b.e.Config.Import(t.Context(), admin, many(20), importer.ImportOptions{}); err != nil && engine.KindOf(err) != engine.Stale {
			t.Error(err)
		}
	}
	close(stop)
	<-done
	for _, s := range b.e.Targets.Services() {
		if len(s.StatusChecks) != 20 {
			t.Errorf("%d checks", len(s.StatusChecks))
		}
	}
}

// importing reports whether a batch is one of an import.
func importing(b *engine.Batch) bool {
	for _, r := range b.Puts {
		if r.Kind == engine.KindMark && strings.HasPrefix(r.ID, "import/") || r.Kind == engine.KindAudit {
			return true
		}
	}
	for _, k := range b.Deletes {
		if k.Kind == engine.KindMark {
			return true
		}
	}
	return false
}

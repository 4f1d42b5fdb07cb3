package storage

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// dump is all that a store shows, as text.
func dump(t *testing.T, db *DB) []string {
	t.Helper()
	var lines []string
	for _, kind := range []engine.Kind{engine.KindService, engine.KindSession, engine.KindPluginSource} {
		for _, term := range []string{"", "x"} {
			if err := db.Scan(t.Context(), kind, engine.Query{Term: term}, func(r engine.Record) bool {
				lines = append(lines, fmt.Sprintf("%s %s %s %d %v", kind, term, r.ID, len(r.Data), r.Expires))
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	revisions, err := db.Revisions(t.Context(), engine.KindService, "s")
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, fmt.Sprint(revisions))
	if err := db.Results(t.Context(), "c", 0, 0, func(r *engine.Result) bool {
		lines = append(lines, fmt.Sprintf("%+v", *r))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}

func filled(t *testing.T) *DB {
	db := openTest(t, t.TempDir(), testOptions())
	b := &engine.Batch{ID: "b", Results: plainResults(400, 1e15, 60e6, func() int64 { return 0 }), Puts: []engine.Record{
		{Kind: engine.KindService, ID: "s", Revision: 1, Terms: []string{"x"}, Data: []byte("{}")},
		{Kind: engine.KindSession, ID: "later", Terms: []string{"x"}, Expires: time.Now().Add(time.Hour), Data: []byte("{}")},
		{Kind: engine.KindSession, ID: "past", Terms: []string{"x"}, Expires: time.Now().Add(-time.Hour), Data: []byte("{}")},
		{Kind: engine.KindPluginSource, ID: "large", Data: make([]byte, 3<<20)},
	}}
	if err := db.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := db.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestBackup(t *testing.T) {
	db := filled(t)
	var backup bytes.Buffer
	if err := db.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Restore(t.Context(), dir, bytes.NewReader(backup.Bytes()), testOptions()); err != nil {
		t.Fatal(err)
	}
	restored := openTest(t, dir, testOptions())
	if got, want := dump(t, restored), dump(t, db); !reflect.DeepEqual(got, want) {
		t.Errorf("restored:\n%.2000s\nwant\n%.2000s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	restored.Close()
	err := Restore(t.Context(), dir, bytes.NewReader(backup.Bytes()), testOptions())
	if err == nil || !strings.Contains(err.Error(), "holds a database already") {
		t.Errorf("Restore over a database = %v", err)
	}
}

func TestRestoreDamaged(t *testing.T) {
	db := filled(t)
	var out bytes.Buffer
	if err := db.Backup(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 1
	for name, backup := range map[string][]byte{
		"empty":   nil,
		"foreign": []byte("PK\x03\x04 something else altogether"),
		"cut":     whole[:len(whole)-10],
		"changed": changed,
	} {
		dir := t.TempDir()
		if err := Restore(t.Context(), dir, bytes.NewReader(backup), testOptions()); err == nil {
			t.Errorf("%s: Restore has no error", name)
		}
		if name == "empty" || name == "foreign" {
			continue // nothing was written
		}
		if _, err := Open(dir, testOptions()); err == nil || !strings.Contains(err.Error(), "restore into it did not finish") {
			t.Errorf("%s: Open afterwards = %v", name, err)
		}
	}
}

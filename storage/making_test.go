package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonwatch/storage/internal/damage"
)

// TestMarkOfMaking holds that the mark of a database that is being made has
// what an interrupted making left cleared away, and never a database in use.
func TestMarkOfMaking(t *testing.T) {
	for _, c := range []struct {
		name    string
		batches int
		refused string
	}{
		{"an interrupted making", 0, ""},
		{"a database in use", 3, "db/NEW"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			db, err := Open(dir, childOptions())
			if err != nil {
				t.Fatal(err)
			}
			mark := filepath.Join(dir, "db", damage.NewName)
			if _, err := os.Stat(mark); !os.IsNotExist(err) {
				t.Fatalf("the mark is there once the database is open: %v", err)
			}
			for n := range c.batches {
				if err := db.Apply(t.Context(), crashBatch(0, n)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := db.fingerprint(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(mark, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err = Open(dir, childOptions())
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("opened with the mark: %v, want a refusal that names %s", err, c.refused)
				}
				if err := os.Remove(mark); err != nil {
					t.Fatal(err)
				}
				db, err = Open(dir, childOptions())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if got, err := db.fingerprint(t.Context()); err != nil || got != want {
				t.Errorf("the database holds something else than before: %v", err)
			}
		})
	}
}

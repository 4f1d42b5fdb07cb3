package storage

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/storage/internal/badgerfile"
	"moonwatch/storage/internal/damage"
	"moonwatch/storage/internal/layout"
)

// damageRounds is how many damages are tried of each folder; MOONWATCH_DAMAGES
// sets another number.
func damageRounds(t *testing.T) int {
	text := os.Getenv("MOONWATCH_DAMAGES")
	if text == "" {
		return 40
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fillForDamage writes something of everything, over several lives of a database:
// tables, values in several value logs, a write-ahead log.
func fillForDamage(t *testing.T, dir string) *DB {
	t.Helper()
	var db *DB
	for life := range 3 {
		if db != nil {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if db, err = Open(dir, childOptions()); err != nil {
			t.Fatal(err)
		}
		for n := range 12 {
			b := crashBatch(life, n)
			b.Puts = append(b.Puts, engine.Record{Kind: engine.KindPluginSource, ID: fmt.Sprintf("large %d %d", life, n%4),
				Data: bytes.Repeat([]byte{byte(n)}, largeValue+n*1000)})
			if err := db.Apply(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.maintainer.foldAll(t.Context()); err != nil { // what is folded later would be held under other keys
		t.Fatal(err)
	}
	return db
}

// fingerprint is a hash of all that a database holds.
func (db *DB) fingerprint(ctx context.Context) (string, error) {
	sum := sha256.New()
	err := db.view(ctx, func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if it.Item().Key()[0] == layout.MetaSpace {
				continue
			}
			if err := valueOf(it.Item(), func(v []byte) error { return hashEntry(sum, it.Item().Key(), v) }); err != nil {
				return err
			}
		}
		return nil
	})
	return fmt.Sprintf("%x", sum.Sum(nil)[:8]), err
}

func hashEntry(sum hash.Hash, key, value []byte) error {
	fmt.Fprintf(sum, "%d %s %d ", len(key), key, len(value))
	sum.Write(value)
	return nil
}

// tryFolders reads folders from standard input, and prints for each whether it
// opens, twice, and what it holds then.
func tryFolders() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(tryFolder(in.Text()))
	}
}

func tryFolder(dir string) string {
	sums := ""
	for range 2 {
		db, err := Open(dir, childOptions())
		if err != nil {
			return "refused " + strings.ReplaceAll(err.Error(), "\n", "\\n")
		}
		sum, err := db.fingerprint(context.Background())
		if err != nil {
			return "unreadable " + err.Error()
		}
		if err := db.Close(); err != nil {
			return "not closed: " + err.Error()
		}
		sums += " " + sum
	}
	return "holds" + sums
}

// folderImage is a folder in memory, its files without the zeros at their ends.
type folderImage map[string]fileImage

type fileImage struct {
	content []byte
	size    int64
}

func imageOf(t *testing.T, dir string) folderImage {
	t.Helper()
	image := folderImage{}
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		image[name] = fileImage{bytes.Clone(bytes.TrimRight(b, "\x00")), int64(len(b))}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return image
}

func (i folderImage) write(t *testing.T, dir string) {
	t.Helper()
	for name, f := range i {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, f.content, 0o600)
		}
		if err == nil {
			err = os.Truncate(path, f.size)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// hurt damages one file of a folder, or exchanges two, and says how.
func hurt(t *testing.T, rng *rand.Rand, dir string) string {
	t.Helper()
	names := []string{damage.LastName}
	entries, err := os.ReadDir(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, filepath.Join("db", e.Name()))
	}
	name := names[rng.IntN(len(names))]
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(b, "\x00")) // damage behind it is rarely of interest
	if used == 0 || rng.IntN(10) == 0 {
		used = len(b)
	}
	at := 0
	if used > 0 {
		at = rng.IntN(used)
	}
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch how := rng.IntN(9); how {
	case 0, 1, 2:
		if len(b) > 0 {
			b[at] ^= 1 << rng.IntN(8)
			write(b)
		}
		return fmt.Sprintf("a bit of %s flipped at %d of %d", name, at, used)
	case 3:
		write(b[:at])
		return fmt.Sprintf("%s cut to %d of %d", name, at, used)
	case 4:
		write(nil)
		return name + " emptied"
	case 5:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return name + " removed"
	case 6:
		n := min(1+rng.IntN(1+used-at), len(b)-at)
		clear(b[at : at+n])
		write(b)
		return fmt.Sprintf("%d bytes of %s zeroed at %d of %d", n, name, at, used)
	case 7:
		for i := range b[:used] {
			b[i] = byte(rng.Uint32())
		}
		write(b)
		return name + " filled with nonsense"
	default:
		other := names[rng.IntN(len(names))]
		for i, step := range [][2]string{{name, "aside"}, {other, name}, {"aside", other}} {
			if i == 1 && other == name {
				step[0] = "aside"
			}
			if err := os.Rename(filepath.Join(dir, step[0]), filepath.Join(dir, step[1])); err != nil && other != name {
				t.Fatal(err)
			}
		}
		return name + " exchanged with " + other
	}
}

// filesOf tells whether files of a folder were written to, but for the lock's.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == badgerfile.LockName {
			return err
		}
		info, err := e.Info()
		out[path] = fmt.Sprint(info.Size(), info.ModTime())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDamage damages a file of a database that was closed, or whose process was
// killed: it opens whole, or it is refused in words and left as it is. It never
// holds less, and never ends the process.
func TestDamage(t *testing.T) {
	work := t.TempDir()
	source := filepath.Join(work, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	db := fillForDamage(t, source)
	whole, err := db.fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]folderImage{"killed": imageOf(t, source)} // nobody writes: as a kill would leave it
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	folders["closed"] = imageOf(t, source)
	for state, folder := range folders {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			cmd, lines := startChild(t, "try", "")
			refused, held := 0, 0
			for round := range damageRounds(t) {
				rng := rand.New(rand.NewPCG(uint64(round), uint64(len(state))))
				dir := filepath.Join(work, state+" try")
				folder.write(t, dir)
				what := "nothing"
				if round > 0 {
					what = hurt(t, rng, dir)
				}
				before := filesOf(t, dir)
				fmt.Fprintln(lines.to, dir)
				if !lines.Scan() {
					t.Fatalf("round %d, %s: the process ended: %v", round, what, cmd.Wait())
				}
				switch said := lines.Text(); {
				case said == "holds "+whole+" "+whole:
					held++
				case strings.HasPrefix(said, "refused "):
					refused++
					if !strings.Contains(said, dir) || strings.Contains(said, "goroutine") || len(said) > 700 || round == 0 {
						t.Errorf("round %d, %s: %s", round, what, said)
					}
					if after := filesOf(t, dir); strings.Contains(said, "Nothing was changed") && fmt.Sprint(after) != fmt.Sprint(before) {
						t.Errorf("round %d, %s: the folder was changed, and refused", round, what)
					}
				default:
					t.Errorf("round %d, %s: it was %s, and it %s", round, what, whole, said)
				}
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
			if refused == 0 || held == 0 {
				t.Errorf("%d were refused and %d opened: the damages are of one sort", refused, held)
			}
			t.Logf("%d refused, %d whole", refused, held)
		})
	}
}

// TestNotTakenForNew: a folder that held something, and where all or a part of it
// is gone, is refused; one in which nothing was stored yet is made.
func TestNotTakenForNew(t *testing.T) {
	source := t.TempDir()
	db := openTest(t, source, testOptions())
	if err := db.Apply(t.Context(), crashBatch(0, 0)); err != nil {
		t.Fatal(err)
	}
	db.Close()
	image := imageOf(t, source)
	for name, test := range map[string]struct {
		change func(dir string) error
		want   string // "" opens
	}{
		"the MANIFEST is gone": {func(dir string) error { return os.Remove(filepath.Join(dir, "db", badgerfile.Manifest)) }, "db/MANIFEST is missing"},
		"the MANIFEST is cut":  {func(dir string) error { return os.Truncate(filepath.Join(dir, "db", badgerfile.Manifest), 16) }, "db/MANIFEST was cut"},
		"of an older version, cut": {func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, damage.LastName)), os.Truncate(filepath.Join(dir, "db", badgerfile.Manifest), 16))
		}, "db/MANIFEST was cut"},
		"the database is empty": {func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "db")), os.Mkdir(filepath.Join(dir, "db"), 0o700))
		}, "is gone or empty"},
		"the database is gone":    {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "db")) }, "is gone or empty"},
		"all is gone":             {func(dir string) error { return Remove(dir) }, ""},
		"a start was interrupted": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "db", damage.NewName), nil, 0o600) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			image.write(t, dir)
			if err := test.change(dir); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a refusal stays one
				db, err := Open(dir, testOptions())
				if err == nil {
					err = db.Close()
				}
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("Open = %v, want %q", err, test.want)
				}
			}
		})
	}
}

// TestNoFormat: a database without a record of its format is never given one.
func TestNoFormat(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir, testOptions())
	if err := db.committer.commitOps([]op{{key: layout.MetaKey(layout.MetaFormat), delete: true}}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for range 2 {
		if _, err := Open(dir, testOptions()); err == nil || !strings.Contains(err.Error(), "no record of its format") {
			t.Errorf("Open = %v", err)
		}
	}
}

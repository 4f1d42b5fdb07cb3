package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dgraph-io/ristretto/v2/z"
	"golang.org/x/sys/unix"

	"moonwatch/engine"
)

// spaceOptions have the free space under the test's control.
func spaceOptions(free *atomic.Uint64) Options {
	o := testOptions()
	o.free = func(string) (uint64, error) { return free.Load(), nil }
	return o
}

// TestFullDisk: opening, writing and closing are refused in words when the space
// is not there that Badger needs, and nothing is lost by that.
func TestFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 40)
	dir := t.TempDir()
	db, err := Open(dir, spaceOptions(&free))
	if err != nil {
		t.Fatal(err)
	}
	put := func(id string) error {
		return db.Apply(t.Context(), &engine.Batch{ID: id, Puts: []engine.Record{{Kind: engine.KindUser, ID: id, Data: []byte("x")}}})
	}
	if err := put("kept"); err != nil {
		t.Fatal(err)
	}
	free.Store(10 << 20)
	wantFull := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "nearly full: 10 MiB free") {
			t.Errorf("%s on a full disk: %v", what, err)
		}
	}
	wantFull("Apply", put("refused")) // at once, however short ago there was space
	killed := imageOf(t, dir)
	wantFull("Close", db.Close())
	copied := t.TempDir() // this process holds the lock of the other one
	killed.write(t, copied)
	before := filesOf(t, copied)
	_, err = Open(copied, spaceOptions(&free))
	wantFull("Open", err)
	if after := filesOf(t, copied); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("opening on a full disk changed the folder: %v, was %v", after, before)
	}
	free.Store(1 << 40)
	again := openTest(t, copied, spaceOptions(&free))
	if _, err := again.Get(t.Context(), engine.KindUser, "kept"); err != nil {
		t.Errorf("what was answered: %v", err)
	}
	if _, err := again.Get(t.Context(), engine.KindUser, "refused"); err != engine.ErrNotFound {
		t.Errorf("what was refused: %v", err)
	}
}

// TestFilesHaveTheirBlocks: what is written to through a map needs nothing of the
// disk any more.
func TestFilesHaveTheirBlocks(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir, testOptions())
	put(t, db, 60, 50<<10) // more than one log
	put(t, db, 8, largeValue)
	awaitTable(t, db)
	seen := map[string]int{}
	for _, path := range list(t, filepath.Join(dir, "db", "*")) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		seen[filepath.Ext(path)]++
		if blocks := info.Sys().(*syscall.Stat_t).Blocks * 512; blocks < info.Size() {
			t.Errorf("%s has %d bytes of its %d on the disk", path, blocks, info.Size())
		}
	}
	if seen[".mem"] == 0 || seen[".sst"] == 0 || seen[".vlog"] == 0 {
		t.Errorf("not all kinds of files are there: %v", seen)
	}
}

// put writes n batches of five records of a size.
func put(t *testing.T, db *DB, n, size int) {
	t.Helper()
	for i := range n {
		b := &engine.Batch{ID: "b"}
		for k := range 5 {
			data := make([]byte, size) // that no compression makes smaller
			rand.NewChaCha8([32]byte{byte(i), byte(k)}).Read(data)
			b.Puts = append(b.Puts, engine.Record{Kind: engine.KindUser, ID: fmt.Sprint(size, i, k), Data: data})
		}
		if err := db.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitTable waits for a table that is written whole.
func awaitTable(t *testing.T, db *DB) {
	t.Helper()
	await(t, "a table that is written", func() bool { return len(db.badger.Tables()) > 0 })
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there was not: %s", what)
		}
	}
}

// lastBut is how many batches of put, of 52 KiB, fill all tables but the first and
// the last before a compaction.
const lastBut = (topTables-2)*33 + 1

// TestDiskFillsUnderWay: a disk that is full from one moment to the next, also
// while tables are written in the background, is an error, and all is there once
// there is space again.
func TestDiskFillsUnderWay(t *testing.T) {
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256m", "moonwatch-test", disk).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be made: %v %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", "-l", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	}()
	dir, filler := filepath.Join(disk, "data"), filepath.Join(disk, "filler")
	o := testOptions()
	o.free = func(string) (uint64, error) { return 1 << 40, nil } // it is found full by writing alone
	db, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, 20, 50<<10) // 5 MB: less than a log
	fill(t, disk, filler, 18<<20)
	put(t, db, 20, 51<<10) // the next log still has room, the table of the first has not
	time.Sleep(50 * time.Millisecond)
	if n := len(db.badger.Tables()); n != 0 {
		t.Fatalf("%d tables were written on a full disk", n)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	awaitTable(t, db)
	// A compaction waits for its space, too, and drops nothing of what it merges.
	tables := func() (n int) {
		for _, info := range db.badger.Tables() {
			if info.Level == 0 {
				n++
			}
		}
		return n
	}
	put(t, db, lastBut, 52<<10)
	await(t, "all tables but one", func() bool { return tables() == topTables-1 })
	fill(t, disk, filler, 30<<20) // for a log and a table
	put(t, db, 40, 53<<10)
	await(t, "the last table", func() bool { return tables() == topTables })
	time.Sleep(300 * time.Millisecond)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the compaction", func() bool { return tables() < topTables })
	wantAll(t, db)
	// A log that cannot be made is an error.
	fill(t, disk, filler, 0)
	for i := 0; ; i++ {
		err := db.Apply(t.Context(), &engine.Batch{ID: "b", Puts: []engine.Record{{Kind: engine.KindUser, ID: fmt.Sprint("refused", i), Data: bytes.Repeat([]byte("x"), 50<<10)}}})
		if err != nil && strings.Contains(err.Error(), "no space left on device") {
			break
		}
		if err != nil || i > 1000 {
			t.Fatalf("write %d on a full disk: %v", i, err)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	db, err = Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	wantAll(t, db)
}

func wantAll(t *testing.T, db *DB) {
	t.Helper()
	for _, was := range []struct{ n, size int }{{20, 50 << 10}, {20, 51 << 10}, {lastBut, 52 << 10}, {40, 53 << 10}} {
		for i := range was.n {
			for k := range 5 {
				if _, err := db.Get(t.Context(), engine.KindUser, fmt.Sprint(was.size, i, k)); err != nil {
					t.Fatalf("%d %d %d: %v", was.size, i, k, err)
				}
			}
		}
	}
}

// TestTablesAreTriedUntilTheyCanBeMade: whatever keeps a table from being made, as a
// want of file descriptors, is no reason for a compaction to go on without it. Other
// files, and tables that are there, fail at once.
func TestTablesAreTriedUntilTheyCanBeMade(t *testing.T) {
	const flags = os.O_CREATE | os.O_RDWR | os.O_EXCL
	dir := filepath.Join(t.TempDir(), "not yet")
	if m, err := z.OpenMmapFile(filepath.Join(dir, "000001.vlog"), flags, 4096); m != nil || err == nil {
		t.Fatalf("a log in no folder: %v", err)
	}
	made := make(chan error, 1)
	path := filepath.Join(dir, "000001.sst")
	go func() {
		m, err := z.OpenMmapFile(path, flags, 4096)
		if m != nil {
			m.Close(-1)
		}
		made <- err
	}()
	select {
	case err := <-made:
		t.Fatalf("a table in no folder: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := <-made; err != z.NewFile {
		t.Errorf("a table, once its folder is there: %v", err)
	}
	if _, err := z.OpenMmapFile(path, flags, 4096); !errors.Is(err, os.ErrExist) {
		t.Errorf("a table that is there: %v", err)
	}
}

// fill leaves so many bytes of a disk free.
func fill(t *testing.T, disk, path string, leave uint64) {
	t.Helper()
	free, err := FreeSpace(disk)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(free-leave)); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

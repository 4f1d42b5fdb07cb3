package storage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

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

// TestLogHasItsBlocks: the write-ahead log that is written to through a map needs
// nothing of the disk any more, also when a new one has been begun.
func TestLogHasItsBlocks(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir, testOptions())
	first := uint32(0)
	for i := range 60 { // some 15 MB: more than one log
		b := &engine.Batch{ID: "b"}
		for n := range 5 {
			b.Puts = append(b.Puts, engine.Record{Kind: engine.KindUser, ID: fmt.Sprint(i, n), Data: bytes.Repeat([]byte("x"), 50<<10)})
		}
		if err := db.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = db.nextLog
		}
	}
	if err := db.Apply(t.Context(), &engine.Batch{ID: "b", Puts: []engine.Record{{Kind: engine.KindUser, ID: "u", Data: []byte("x")}}}); err != nil {
		t.Fatal(err)
	}
	logs, err := numbered(filepath.Join(dir, "db"), ".mem")
	if err != nil || len(logs) == 0 || db.nextLog == first {
		t.Fatalf("no new log was begun: %v %v", logs, err)
	}
	info, err := os.Stat(filepath.Join(dir, "db", memName(logs[len(logs)-1])))
	if err != nil {
		t.Fatal(err)
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks * 512; blocks < info.Size() {
		t.Errorf("the log has %d bytes of its %d on the disk", blocks, info.Size())
	}
}

package storage

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
)

// The tests of this file start the test binary again as a process of its own,
// which finds what to do in its environment.
const (
	roleVariable = "MOONWATCH_STORAGE_TEST_ROLE"
	dirVariable  = "MOONWATCH_STORAGE_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "write":
		go endWithParent()
		writeUntilKilled(os.Getenv(dirVariable))
	case "try":
		tryFolders()
	case "hold":
		go endWithParent()
		holdOpen(os.Getenv(dirVariable))
	default:
		fmt.Println("unknown role", role)
		os.Exit(2)
	}
}

// endWithParent ends a child whose parent has died without killing it.
func endWithParent() {
	io.Copy(io.Discard, os.Stdin)
	os.Exit(3)
}

// startChild starts the test binary in a role; it is killed when the test ends. Until
// it runs it has the locks of all folders that are open here: no test that opens a
// folder again runs beside one that starts children.
func startChild(t *testing.T, role, dir string) (*exec.Cmd, *lines) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // closes with this process: see endWithParent
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, &lines{bufio.NewScanner(out), in}
}

// lines are what a child prints, and to is what it reads.
type lines struct {
	*bufio.Scanner
	to io.Writer
}

func childOptions() Options {
	o := testOptions()
	o.NoSync = false
	return o
}

// crashBatch is batch n of writer w: some records that belong together, a moving
// index entry and enough results that they are folded on the way. Every 40th is
// too large for one transaction.
func crashBatch(w, n int) *engine.Batch {
	b := &engine.Batch{ID: fmt.Sprintf("%d-%d", w, n)}
	for part := range 3 {
		b.Puts = append(b.Puts, engine.Record{Kind: engine.KindIncident, ID: fmt.Sprintf("w%d-n%05d-p%d", w, n, part),
			Data: []byte("x"), Terms: []string{fmt.Sprintf("batch:%d-%d", w, n)}})
	}
	b.Puts = append(b.Puts, engine.Record{Kind: engine.KindBreaker, ID: fmt.Sprint(w), Data: []byte(strconv.Itoa(n)), Terms: []string{fmt.Sprintf("at:%d", n)}})
	results := 20
	if n%40 == 39 {
		results = 9000
	}
	for i := range results {
		b.Results = append(b.Results, engine.Result{Check: fmt.Sprintf("w%d", w), Seq: uint64(n)*1e6 + uint64(i), Succeeded: true})
	}
	return b
}

func crashResults(n int) int { // of batches 0 to n
	return 20*(n+1) + (9000-20)*((n+1)/40)
}

const crashWriters = 3

// writeUntilKilled applies batches and prints each one that is acknowledged.
func writeUntilKilled(dir string) {
	db, err := Open(dir, childOptions())
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	db.maintainer.setFoldPause(0)
	var acks sync.Mutex // printed before the next batch begins
	for w := range crashWriters {
		go func() {
			for n := 0; ; n++ {
				if err := db.Apply(context.Background(), crashBatch(w, n)); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				acks.Lock()
				fmt.Printf("ack %d %d\n", w, n)
				acks.Unlock()
			}
		}()
	}
	select {}
}

// TestKill kills a process while it writes: every batch that it acknowledged
// must be there whole, and of the others either all or nothing.
func TestKill(t *testing.T) {
	for _, wait := range []time.Duration{100 * time.Millisecond, 450 * time.Millisecond, 1200 * time.Millisecond} {
		t.Run(wait.String(), func(t *testing.T) {
			dir := t.TempDir()
			cmd, lines := startChild(t, "write", dir)
			acked := [crashWriters]int{-1, -1, -1}
			var kill *time.Timer
			for lines.Scan() {
				var w, n int
				if _, err := fmt.Sscanf(lines.Text(), "ack %d %d", &w, &n); err != nil {
					t.Fatalf("the child says %q", lines.Text())
				}
				if kill == nil {
					kill = time.AfterFunc(wait, func() { cmd.Process.Kill() })
				}
				acked[w] = n
			}
			cmd.Wait()
			t.Logf("acknowledged: %v", acked)
			db := openTest(t, dir, testOptions())
			for w, last := range acked {
				checkWriter(t, db, w, last)
			}
		})
	}
}

func checkWriter(t *testing.T, db *DB, w, acked int) {
	t.Helper()
	r, err := db.Get(t.Context(), engine.KindBreaker, fmt.Sprint(w))
	if err != nil && acked < 0 {
		return
	}
	if err != nil {
		t.Fatalf("writer %d: %v", w, err)
	}
	last, _ := strconv.Atoi(string(r.Data))
	if last < acked || last > acked+1 {
		t.Errorf("writer %d: the last batch there is %d, acknowledged was %d", w, last, acked)
	}
	for n := range last + 2 {
		parts := 0
		if err := db.Scan(t.Context(), engine.KindIncident, engine.Query{Term: fmt.Sprintf("batch:%d-%d", w, n)},
			func(engine.Record) bool { parts++; return true }); err != nil {
			t.Fatal(err)
		}
		want := 3
		if n > last {
			want = 0
		}
		if parts != want {
			t.Errorf("writer %d: batch %d of %d has %d records, want %d", w, n, last, parts, want)
		}
	}
	results, before := 0, ^uint64(0)
	if err := db.Results(t.Context(), fmt.Sprintf("w%d", w), 0, 0, func(r *engine.Result) bool {
		if r.Seq >= before {
			t.Errorf("writer %d: result %d after %d", w, r.Seq, before)
		}
		before = r.Seq
		results++
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if want := crashResults(last); results != want {
		t.Errorf("writer %d: %d results of %d batches, want %d", w, results, last+1, want)
	}
}

// holdOpen keeps the database open until it is killed.
func holdOpen(dir string) {
	if _, err := Open(dir, childOptions()); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("open")
	time.Sleep(time.Minute)
}

func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := startChild(t, "hold", dir)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the child says %q", lines.Text())
	}
	_, err := Open(dir, testOptions())
	want := fmt.Sprintf("the data folder %s is in use by another moonwatch process (pid %d); stop it or choose another --data", dir, cmd.Process.Pid)
	if err == nil || err.Error() != want {
		t.Errorf("Open = %v\nwant %s", err, want)
	}
	cmd.Process.Kill()
	cmd.Wait()
	openTest(t, dir, testOptions()) // a killed owner does not keep the folder
}

func TestFolderInUseHere(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir, testOptions())
	if _, err := Open(dir, testOptions()); err == nil || !strings.Contains(err.Error(), "is in use by another moonwatch process") {
		t.Errorf("a second Open = %v", err)
	}
}

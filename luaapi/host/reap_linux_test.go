package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// zombies are the children of this process that have ended and were not waited for.
func zombies(t *testing.T) (out []string) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Skip("there is no /proc that lists children")
	}
	for _, list := range lists {
		data, _ := os.ReadFile(list) // a thread may be gone
		for pid := range strings.FieldsSeq(string(data)) {
			stat, _ := os.ReadFile("/proc/" + pid + "/stat")
			if _, rest, found := strings.Cut(string(stat), ") "); found && strings.HasPrefix(rest, "Z") {
				out = append(out, pid)
			}
		}
	}
	return out
}

// TestOrphansAreReaped: what a program leaves behind becomes a child of process 1,
// which the monitor is in a container. No zombie stays, and each program's own end
// is told as it was.
func TestOrphansAreReaped(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip("orphans do not come to this process: ", err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	o := DefaultOptions()
	o.AllowExec = []string{"/bin/sh"}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.programs.heir = true
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			script := "sleep 60 >/dev/null 2>&1 & (sleep 60 & sleep 60) >/dev/null 2>&1 & setsid true >/dev/null 2>&1 & exit " + strconv.Itoa(i)
			answer, err := n.Exec(t.Context(), &ExecRequest{Path: "/bin/sh", Args: []string{"-c", script}})
			if err != nil || answer.Code != i {
				t.Errorf("program %d ended with %+v, %v", i, answer, err)
			}
		})
	}
	all.Wait()
	var left []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = zombies(t); len(left) == 0 {
			return
		}
	}
	t.Errorf("zombies are left: %v", left)
}

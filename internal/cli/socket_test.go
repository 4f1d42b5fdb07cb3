package cli

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSocketIsPrivate at every moment, also in a folder that others may enter and
// with an open umask: it is never there with another mode, nor outside a private
// folder before it has its own.
func TestSocketIsPrivate(t *testing.T) {
	dir, err := os.MkdirTemp("", "mw") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "moonwatch.sock")
	stop, looked := make(chan struct{}), make(chan bool)
	go func() {
		bad := false
		for {
			select {
			case <-stop:
				looked <- bad
				return
			default:
			}
			if info, err := os.Lstat(path); err == nil && info.Mode().Perm() != 0o600 {
				bad = true
			}
		}
	}()
	for range 200 {
		l, err := listenSocket(path)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.DialTimeout("unix", path, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		second, err := listenSocket(path) // over one that was left behind
		if err != nil {
			t.Fatal(err)
		}
		second.Close()
		l.Close()
	}
	close(stop)
	if <-looked {
		t.Error("the socket could be opened by others for a moment")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%v were left, %v", names(entries), err)
	}
}

func names(entries []fs.DirEntry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

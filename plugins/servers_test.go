package plugins_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// The real servers that tests start are those of Debian's packages. Where one is
// missing the test is skipped, unless MOONWATCH_SERVER_TESTS is "required".

// program finds a program by its name in PATH, or by one of the patterns of
// paths at which packages put it.
func program(t *testing.T, name string, patterns ...string) string {
	t.Helper()
	for _, pattern := range append(patterns, "/usr/sbin/"+name, "/usr/local/sbin/"+name) {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if os.Getenv("MOONWATCH_SERVER_TESTS") == "required" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// serverDir is a folder that the user of unprivileged may write to.
func serverDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "server") // t.TempDir has the test's name in it, and sockets want short paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody(t), nobody(t)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func nobody(t *testing.T) int {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// unprivileged is a command in dir that never runs as root: servers refuse that, or
// want more of the machine then.
func unprivileged(t *testing.T, dir, path string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C")
	if os.Getuid() == 0 {
		id := uint32(nobody(t))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	}
	return cmd
}

// must runs a command to its end.
func must(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, out)
	}
}

// serverPort is a port of the loopback address for a server to listen on.
func serverPort(t *testing.T) int {
	t.Helper()
	_, text, err := net.SplitHostPort(programtest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve starts a server, waits until its port answers, and ends it with the test.
func serve(t *testing.T, port int, cmd *exec.Cmd) {
	t.Helper()
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ends is of no interest
		close(ended)
	}()
	t.Cleanup(func() {
		// In order, and fast: PostgreSQL waits for its clients at SIGTERM, and is not told
		// otherwise by it after SIGINT, which MariaDB does not heed.
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", cmd.Path, out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer:\n%s", cmd.Path, out.String())
		}
	}
}

// lockedBuffer may be written and read at the same time.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// writeFor writes a file that the server's user can read.
func writeFor(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(path, nobody(t), nobody(t)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// writeCertificate writes server.crt and server.key, valid for 100 days.
func writeCertificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	certificate := selfSigned(t, time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 100))
	return writeFor(t, dir, "server.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))),
		writeFor(t, dir, "server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateKey(t, certificate)})))
}

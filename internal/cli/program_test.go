package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests in the files program_….go run the whole program, as people do: a
// process of its own on a free loopback port, fresh folders, its API and its
// command line.

// asProgram makes the test binary be the program: TestMain then runs main.
const asProgram = "MOONWATCH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		os.Exit(Main("", os.Args[1:]))
	}
	if words := os.Getenv(helperProcess); words != "" {
		helper(strings.Fields(words))
		return
	}
	os.Exit(m.Run())
}

// program is a monitor that runs as a process of its own.
type program struct {
	t       testing.TB
	binary  string // the test binary itself unless set
	dir     string // holds the folders and is where the program is started
	data    string
	plugins string
	address string // host:port
	flags   []string
	env     []string
	token   string // of the API; set by admin

	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	output  *output
}

// output keeps what a process prints.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newMonitor prepares folders and an address. The process is ended with the test.
func newMonitor(t testing.TB) *program {
	t.Helper()
	dir, err := os.MkdirTemp("", "moonwatch-test-") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	m := &program{t: t, dir: dir, data: filepath.Join(dir, "data"), plugins: filepath.Join(dir, "plugins"), address: freeAddress(t), output: &output{}}
	if err := os.Mkdir(m.plugins, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the monitor printed:\n%s", tail(m.output.String(), 4000))
		}
		os.RemoveAll(dir)
	})
	return m
}

// servingMonitor is a monitor that runs, with an admin whose token the client uses.
func servingMonitor(t testing.TB) *program {
	t.Helper()
	m := newMonitor(t)
	m.admin()
	m.start()
	return m
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// command is the program with arguments, not started.
func (m *program) command(args ...string) *exec.Cmd {
	binary := m.binary
	if binary == "" {
		binary = os.Args[0]
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = m.dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MOONWATCH_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1"), m.env...)
	return cmd
}

// start serves, and waits until the monitor is ready.
func (m *program) start() {
	m.t.Helper()
	m.launch()
	until(m.t, "ready", 20*time.Second, func() bool {
		select {
		case <-m.ended:
			m.t.Fatalf("the monitor ended: %v\n%s", m.process.ProcessState, tail(m.output.String(), 2000))
		default:
		}
		status, _, err := m.get("/readyz")
		return err == nil && status == 200
	})
}

// launch starts the process and waits for nothing.
func (m *program) launch() {
	m.t.Helper()
	args := append([]string{"serve", "--listen", m.address, "--data", m.data, "--plugins", m.plugins}, m.flags...)
	m.process = m.command(args...)
	m.process.Stdout, m.process.Stderr = m.output, m.output
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	process, ended := m.process, make(chan struct{})
	m.ended = ended
	go func() {
		defer close(ended)
		process.Wait() // how it ended is in ProcessState
	}()
}

// end sends a signal and waits for the end of the process, which it kills when
// it takes too long. It returns the exit code, -1 after a signal.
func (m *program) end(signal syscall.Signal) int {
	if m.process == nil {
		return -1
	}
	select {
	case <-m.ended:
		return m.process.ProcessState.ExitCode()
	default:
	}
	m.process.Process.Signal(signal) // an error means that it has ended
	select {
	case <-m.ended:
	case <-time.After(20 * time.Second):
		m.t.Errorf("the monitor did not end within 20 s of %v", signal)
		m.process.Process.Kill()
		<-m.ended
	}
	return m.process.ProcessState.ExitCode()
}

// printed is what a command printed, and its exit code.
type printed struct {
	out, err string
	code     int
}

// cli runs a command of the program to its end.
func (m *program) cli(stdin string, args ...string) printed {
	m.t.Helper()
	var p printed
	var out, errs bytes.Buffer
	cmd := m.command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("moonwatch %s: %v", strings.Join(args, " "), err)
	}
	p.out, p.err, p.code = out.String(), errs.String(), cmd.ProcessState.ExitCode()
	return p
}

// mustCLI is cli for commands that succeed.
func (m *program) mustCLI(stdin string, args ...string) printed {
	m.t.Helper()
	p := m.cli(stdin, args...)
	if p.code != 0 {
		m.t.Fatalf("moonwatch %s: exit %d: %s", strings.Join(args, " "), p.code, p.err)
	}
	return p
}

// admin makes a user and a token on the command line.
func (m *program) admin() {
	m.t.Helper()
	m.mustCLI("correct horse battery staple\n", "user", "add", "admin", "--role", "admin", "--password-stdin", "--data", m.data)
	m.token = lastLine(m.mustCLI("", "token", "create", "--user", "admin", "--data", m.data).out)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// save writes a file of the plugin folder.
func (m *program) save(name, text string) string {
	m.t.Helper()
	path := filepath.Join(m.plugins, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// memory reads a line of /proc/PID/status in bytes: VmRSS or VmHWM. It is 0
// where there is no /proc.
func (m *program) memory(name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.process.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == name+":" {
			kb, _ := strconv.ParseInt(words[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// until waits until probe holds, and returns how long that took.
func until(t testing.TB, what string, within time.Duration, probe func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !probe() {
		if time.Since(start) > within {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

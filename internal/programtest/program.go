// Package programtest runs the whole program in tests, as people do: a process of
// its own on a free loopback port, with fresh folders, reached over its command
// line, its API and its pages' addresses.
//
// The process is the test's own binary: TestMain of each package that uses this
// hands over to RunTests, with the program as a function. A Program is one
// monitor with its folders and its client; a Receiver keeps what a monitor sends
// or asks. A test that fails prints the end of what its monitor printed.
//
// The package must not know the program's code, so that a test through it can
// only see what a user sees.
package programtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
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

// AsProgram is the variable of the environment with which the test binary is the
// program: see RunTests.
const AsProgram = "MOONWATCH_TEST_AS_PROGRAM"

// RunTests is for TestMain: in a process that a Program started, it runs the
// program with the arguments of the command line and ends the process with its
// exit code, or is the helper that was asked for. Elsewhere it runs the tests.
func RunTests(m *testing.M, program func(args []string) int) {
	if os.Getenv(AsProgram) != "" {
		os.Unsetenv(AsProgram)
		os.Exit(program(os.Args[1:]))
	}
	RunHelper()
	os.Exit(m.Run())
}

// Program is a monitor that runs as a process of its own.
type Program struct {
	T       testing.TB // which fails when a method cannot do what it says
	Binary  string     // the test binary itself unless set
	Dir     string     // holds the folders and is where the program is started
	Data    string     // the data folder
	Plugins string     // the plugin folder
	Address string     // host:port
	Flags   []string
	Env     []string
	Token   string // of the API; set by Admin

	Process *exec.Cmd
	Ended   chan struct{} // closed when the process has ended
	Output  *Output       // what the monitor printed, on either stream
}

// Output keeps what a process prints. It is safe for concurrent use.
type Output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// New prepares folders and an address. The process is ended with the test.
func New(t testing.TB) *Program {
	t.Helper()
	dir, err := os.MkdirTemp("", "moonwatch-test-") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	m := &Program{
		T:       t,
		Dir:     dir,
		Data:    filepath.Join(dir, "data"),
		Plugins: filepath.Join(dir, "plugins"),
		Address: FreeAddress(t),
		Output:  &Output{},
	}
	if err := os.Mkdir(m.Plugins, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.End(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the monitor printed:\n%s", Tail(m.Output.String(), 4000))
		}
		os.RemoveAll(dir)
	})
	return m
}

// Serving is a monitor that runs, with an admin whose token the client uses.
func Serving(t testing.TB) *Program {
	t.Helper()
	m := New(t)
	m.Admin()
	m.Start()
	return m
}

// FreeAddress is a loopback address, host:port, that nothing listened on a moment ago.
// Its port is below those of which the system gives one to who asks for any, so that
// no connection takes it meanwhile, and no other call here returns it.
func FreeAddress(t testing.TB) string {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	for range 100 {
		address := fmt.Sprint("127.0.0.1:", 16000+rand.IntN(16000))
		if given.addresses[address] {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			given.addresses[address] = true
			return address
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// given is what FreeAddress returned.
var given = struct {
	sync.Mutex // guards addresses
	addresses  map[string]bool
}{addresses: map[string]bool{}}

// Tail is the end of s, of n bytes at most, marked when something was left out.
func Tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// Unstarted is the program with arguments, not started.
func (m *Program) Unstarted(args ...string) *exec.Cmd {
	binary := m.Binary
	if binary == "" {
		binary = os.Args[0]
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = m.Dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MOONWATCH_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, AsProgram+"=1"), m.Env...)
	return cmd
}

// Start serves, and waits until the monitor is ready.
func (m *Program) Start() {
	m.T.Helper()
	m.Launch()
	Until(m.T, "ready", 20*time.Second, func() bool {
		select {
		case <-m.Ended:
			m.T.Fatalf("the monitor ended: %v\n%s", m.Process.ProcessState, Tail(m.Output.String(), 2000))
		default:
		}
		status, _, err := m.Get("/readyz")
		return err == nil && status == 200
	})
}

// Launch starts the process and waits for nothing.
func (m *Program) Launch() {
	m.T.Helper()
	args := append([]string{"serve", "--listen", m.Address, "--data", m.Data, "--plugins", m.Plugins}, m.Flags...)
	m.Begin(m.Unstarted(args...))
}

// Begin starts cmd as the monitor that is under test.
func (m *Program) Begin(cmd *exec.Cmd) {
	m.T.Helper()
	m.Process = cmd
	m.Process.Stdout, m.Process.Stderr = m.Output, m.Output
	if err := m.Process.Start(); err != nil {
		m.T.Fatal(err)
	}
	process, ended := m.Process, make(chan struct{})
	m.Ended = ended
	go func() {
		defer close(ended)
		process.Wait() // how it ended is in ProcessState
	}()
}

// End sends a signal and waits for the end of the process, which it kills when
// it takes too long. It returns the exit code, -1 after a signal.
func (m *Program) End(signal syscall.Signal) int {
	if m.Process == nil {
		return -1
	}
	select {
	case <-m.Ended:
		return m.Process.ProcessState.ExitCode()
	default:
	}
	m.Process.Process.Signal(signal) // an error means that it has ended
	select {
	case <-m.Ended:
	case <-time.After(20 * time.Second):
		m.T.Errorf("the monitor did not end within 20 s of %v", signal)
		m.Process.Process.Kill()
		<-m.Ended
	}
	return m.Process.ProcessState.ExitCode()
}

// Printed is what a command printed, and its exit code.
type Printed struct {
	Out, Err string
	Code     int
}

// Command runs a command of the program to its end.
func (m *Program) Command(stdin string, args ...string) Printed {
	m.T.Helper()
	var p Printed
	var out, errs bytes.Buffer
	cmd := m.Unstarted(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.T.Fatalf("moonwatch %s: %v", strings.Join(args, " "), err)
	}
	p.Out, p.Err, p.Code = out.String(), errs.String(), cmd.ProcessState.ExitCode()
	return p
}

// MustCommand is Command for commands that succeed.
func (m *Program) MustCommand(stdin string, args ...string) Printed {
	m.T.Helper()
	p := m.Command(stdin, args...)
	if p.Code != 0 {
		m.T.Fatalf("moonwatch %s: exit %d: %s", strings.Join(args, " "), p.Code, p.Err)
	}
	return p
}

// Admin makes a user and a token on the command line. A monitor that has no data yet
// and nothing of its own gets a copy of the first one's: the same user and token.
func (m *Program) Admin() {
	m.T.Helper()
	if _, err := os.Stat(m.Data); err == nil || m.Binary != "" || len(m.Env) > 0 {
		m.makeAdmin()
		return
	}
	administered.Lock()
	defer administered.Unlock()
	if administered.data == nil {
		m.makeAdmin()
		data, err := readFolder(m.Data)
		if err != nil {
			m.T.Fatal(err)
		}
		administered.data, administered.token = data, m.Token
		return
	}
	if err := writeFolder(m.Data, administered.data); err != nil {
		m.T.Fatal(err)
	}
	m.Token = administered.token
}

func (m *Program) makeAdmin() {
	m.T.Helper()
	m.MustCommand("correct horse battery staple\n", "user", "add", "admin", "--role", "admin", "--password-stdin", "--data", m.Data)
	m.Token = LastLine(m.MustCommand("", "token", "create", "--user", "admin", "--data", m.Data).Out)
}

// administered is the data folder that Admin made first.
var administered struct {
	sync.Mutex // guards the others
	data       []entry
	token      string
}

// entry is a file or folder, of a path below the one that was read.
type entry struct {
	path string
	mode fs.FileMode
	text []byte
}

func readFolder(dir string) (all []entry, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{mode: info.Mode()}
		if e.path, err = filepath.Rel(dir, path); err == nil && !d.IsDir() {
			e.text, err = os.ReadFile(path)
		}
		all = append(all, e)
		return err
	})
	return all, err
}

func writeFolder(dir string, all []entry) error {
	for _, e := range all {
		path := filepath.Join(dir, e.path)
		var err error
		if e.mode.IsDir() {
			err = os.Mkdir(path, e.mode.Perm())
		} else {
			err = os.WriteFile(path, e.text, e.mode.Perm())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// LastLine is the last line of a text that is not empty.
func LastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// Save writes a file of the plugin folder.
func (m *Program) Save(name, text string) string {
	m.T.Helper()
	path := filepath.Join(m.Plugins, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.T.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.T.Fatal(err)
	}
	return path
}

// Memory reads a line of /proc/PID/status in bytes: VmRSS or VmHWM. It is 0
// where there is no /proc.
func (m *Program) Memory(name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.Process.Process.Pid))
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

// Until waits until probe holds, and returns how long that took. It asks every
// 10 ms, and fails the test when probe does not hold within the time.
func Until(t testing.TB, what string, within time.Duration, probe func() bool) time.Duration {
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

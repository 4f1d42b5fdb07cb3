package plugins_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// verdict is what a result must be. The zero value passes.
type verdict struct {
	err      string // how the error begins; "" passes
	unknown  bool
	severity engine.Status
	message  string // how the message begins
	raw      string // what the raw data hold; "" is not looked at
}

func (v verdict) compare(t *testing.T, got engine.RunReport) {
	t.Helper()
	if got.TimedOut || got.Cause == engine.CauseError || got.Traceback != "" {
		t.Errorf("got an error in the plugin: %+v", got)
	}
	if got.Succeeded != (v.err == "") || got.Unknown != v.unknown || !strings.HasPrefix(got.Error, v.err) || v.err == "" && got.Error != "" {
		t.Errorf("got succeeded %v, unknown %v, error %q; want unknown %v, error %q", got.Succeeded, got.Unknown, got.Error, v.unknown, v.err)
	}
	if got.Severity != v.severity || !strings.HasPrefix(got.Message, v.message) || !strings.Contains(got.RawData, v.raw) {
		t.Errorf("got severity %q, message %q, raw data %q; want %q, %q, %q", got.Severity, got.Message, got.RawData, v.severity, v.message, v.raw)
	}
}

// short is the timeout of checks that it ends. A tenth of it is what a plugin has
// left to answer: enough on a machine that is busy.
const short = 3 * time.Second

// patience is a check's timeout: short where it is what ends the run, else long
// enough for a machine that is busy.
func (v verdict) patience() time.Duration {
	if v.waits() {
		return short
	}
	return 10 * time.Second
}

// waits reports whether the check's timeout is what ends the run.
func (v verdict) waits() bool { return strings.Contains(v.err, "time") }

// waiting lets a test that waits for the end of short do so beside others.
func (v verdict) waiting(t *testing.T) {
	if v.waits() {
		t.Parallel()
	}
}

// value returns a metric's value, and fails the test when there is none.
func value(t *testing.T, got engine.RunReport, name string) float64 {
	t.Helper()
	m, ok := metric(got, name)
	if !ok {
		t.Errorf("got no metric %s in %+v", name, got.Metrics)
	}
	return m.Value
}

// complaint is a change of a good config and where it is complained about.
type complaint struct {
	change map[string]any
	at     string // "" is nowhere
}

// checkConfig cleans a good config with each change.
func (b *bench) checkConfig(t *testing.T, slug string, good map[string]any, complaints ...complaint) form.Values {
	t.Helper()
	for _, c := range complaints {
		_, errs := b.clean(slug, engine.ConfigForm, "c1", with(good, c.change))
		if c.at == "" && len(errs) > 0 || c.at != "" && (len(errs) != 1 || errs[0].Location != c.at) {
			t.Errorf("%v: got %+v, want a complaint at %q", c.change, errs, c.at)
		}
	}
	return b.mustClean(slug, engine.ConfigForm, "c1", good)
}

func (b *bench) description(t *testing.T, slug string, config map[string]any) string {
	t.Helper()
	text, err := b.plugin(slug).Describe(t.Context(), b.checkRun(slug, check{config: config}))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// refusedPort is a port of the loopback address that refuses connections and that
// nobody else gets meanwhile: it is bound, and not listened on.
func refusedPort(t *testing.T) int {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return name.(*syscall.SockaddrInet4).Port
}

// faulty are ports on which nothing good is to be had: refused, silent, closing and babbling.
func faulty(t *testing.T) map[string]int {
	return map[string]int{
		"refused": refusedPort(t),
		"silent": listen(t, func(c net.Conn) {
			buffer := make([]byte, 1024)
			for {
				if _, err := c.Read(buffer); err != nil {
					return
				}
			}
		}),
		"closing": listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }),
		"babbling": listen(t, func(c net.Conn) {
			fmt.Fprint(c, strings.Repeat("\xff\x00\x13babble ", 20)+"\r\n\r\n")
			_, _ = c.Read(make([]byte, 1024))
		}),
	}
}

// answers serves the same status and body to every request that no test looks at.
type answers struct {
	*httptest.Server
	status int
	body   string
	last   *http.Request
	form   map[string][]string
}

func serveAnswers(t *testing.T) *answers {
	a := &answers{status: 200}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // a body of another kind is no form
		a.last, a.form = r, r.Form
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(a.Close)
	return a
}

// quiet is a log for servers whose complaints are expected.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

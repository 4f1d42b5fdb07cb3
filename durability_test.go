package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// durabilityRounds are how often the monitor is killed, has its disk filled, and
// has a file damaged. MOONWATCH_LONG_TESTS makes them many; MOONWATCH_ROUNDS,
// three numbers as "200 50 50", sets them.
func durabilityRounds(t *testing.T) (kills, fulls, damages int) {
	kills, fulls, damages = 1, 1, 1
	if os.Getenv("MOONWATCH_LONG_TESTS") != "" {
		kills, fulls, damages = 200, 50, 50
	}
	if text := os.Getenv("MOONWATCH_ROUNDS"); text != "" {
		if _, err := fmt.Sscan(text, &kills, &fulls, &damages); err != nil {
			t.Fatalf("MOONWATCH_ROUNDS: %v", err)
		}
	}
	return kills, fulls, damages
}

// ledger is what was answered: nothing else may be so after a restart.
type ledger struct {
	mu       sync.Mutex
	services map[string]*entry // by name
	made     int
	answered int // writes that were
	refused  int // with 503
}

// entry is one service; the URL tells its versions apart.
type entry struct {
	id, url string // "" when it is not there
	// underWay is what it may be as well: a write of it was not answered.
	underWay *string
}

const durabilityWriters = 4

// load writes until stop is closed or the monitor is gone.
func (l *ledger) load(m *programtest.Program, stop chan struct{}) *sync.WaitGroup {
	var all sync.WaitGroup
	for w := range durabilityWriters {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !l.write(m, w) {
					return
				}
			}
		})
	}
	return &all
}

// write makes, edits or deletes a service of writer w, and notes the answer. It
// returns false when none came.
func (l *ledger) write(m *programtest.Program, w int) bool {
	l.mu.Lock()
	l.made++
	n := l.made
	var name string
	var e *entry
	mine := 0
	for other, at := range l.services {
		if strings.HasPrefix(other, fmt.Sprintf("w%d ", w)) {
			mine++
			if at.underWay == nil && at.url != "" {
				name, e = other, at
			}
		}
	}
	if e == nil || mine < 10 || mine < 40 && n%3 == 0 {
		name, e = fmt.Sprintf("w%d %d", w, n), &entry{}
		l.services[name] = e
	}
	url := fmt.Sprintf("http://127.0.0.1/%d", n)
	method, path, body := "PATCH", "/services/"+e.id, any(programtest.Object{"url": url})
	switch {
	case e.id == "":
		method, path, body = "POST", "/services", programtest.Object{"name": name, "url": url}
	case n%5 == 0:
		method, url, body = "DELETE", "", nil
	}
	e.underWay = &url
	l.mu.Unlock()

	status, data, err := tryAPI(m, method, path, body)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		return false
	case status == http.StatusServiceUnavailable:
		l.refused++
		e.underWay = nil
		if e.url == "" {
			delete(l.services, name)
		}
		return true
	case status >= 300:
		m.T.Errorf("%s %s: %d %s", method, path, status, data)
		return false
	}
	l.answered++
	e.url, e.underWay = url, nil
	var s programtest.Made
	if method == "POST" && json.Unmarshal(data, &s) == nil {
		e.id = s.ID
	}
	if url == "" {
		delete(l.services, name)
	}
	return true
}

// tryAPI is ask for a monitor that may go away meanwhile.
func tryAPI(m *programtest.Program, method, path string, body any) (int, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	r, err := http.NewRequest(method, "http://"+m.Address+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+m.Token)
	answer, err := programtest.Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	data, err = io.ReadAll(answer.Body)
	return answer.StatusCode, data, err
}

// compare wants what was answered to be there, and nothing that was refused.
func (l *ledger) compare(m *programtest.Program, when string) {
	m.T.Helper()
	there := map[string]struct{ ID, URL string }{}
	for cursor := ""; ; {
		var page struct {
			Items []struct{ ID, Name, URL string }
			Next  *string
		}
		m.API("GET", "/services?limit=1000"+cursor, nil, &page)
		for _, s := range page.Items {
			if strings.HasPrefix(s.Name, "w") {
				there[s.Name] = struct{ ID, URL string }{s.ID, s.URL}
			}
		}
		if page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Next
	}
	for name, e := range l.services {
		s := there[name]
		if s.URL != e.url && (e.underWay == nil || s.URL != *e.underWay) {
			m.T.Errorf("%s: service %q is %q; %q was answered", when, name, s.URL, e.url)
		}
		e.id, e.url, e.underWay = s.ID, s.URL, nil // that is so from now on
		if s.URL == "" {
			delete(l.services, name)
		}
		delete(there, name)
	}
	for name, s := range there {
		m.T.Errorf("%s: service %q (%s) is there, and was deleted or refused", when, name, s.URL)
	}
}

// wantWords wants no dump of goroutines in what was printed.
func wantWords(t *testing.T, when, printed string) {
	t.Helper()
	for _, bad := range []string{"goroutine ", "SIGBUS", "unexpected fault", "panic:"} {
		if i := strings.Index(printed, bad); i >= 0 {
			t.Errorf("%s: it ended with a dump:\n%.3000s", when, printed[max(i-500, 0):])
			return
		}
	}
}

// TestDurability kills the monitor while it is written to, fills its disk, and
// damages its files, round after round: nothing that was answered is lost without
// a word, and nothing that was refused is there.
func TestDurability(t *testing.T) {
	t.Parallel()
	kills, fulls, damages := durabilityRounds(t)
	m := programtest.New(t)
	m.Flags = []string{"--log-level", "warn"}
	disk := smallDisk(t, m)
	m.Admin()
	l := &ledger{services: map[string]*entry{}}
	rng := rand.New(rand.NewPCG(1, 2))
	round := func(when string, during func()) {
		m.Output = &programtest.Output{}
		m.Start()
		l.compare(m, when)
		stop := make(chan struct{})
		writers := l.load(m, stop)
		time.Sleep(time.Duration(50+rng.IntN(250)) * time.Millisecond) // under load, for a random time
		during()
		close(stop)
		writers.Wait()
	}
	for i := range kills {
		round(fmt.Sprint("kill ", i), func() { m.End(syscall.SIGKILL) })
	}
	for i := range fulls {
		if disk == "" {
			break
		}
		when := fmt.Sprint("full disk ", i)
		round(when, func() { fullDisk(t, m, disk, when, i, rng) })
		wantWords(t, when, m.Output.String())
		if p := m.Command("", "doctor", "--data", m.Data); p.Code == 0 || !strings.Contains(p.Out, "nearly full") {
			t.Errorf("%s: the doctor on a full disk: exit %d, %s %s", when, p.Code, p.Out, p.Err)
		} else {
			wantWords(t, when, p.Out+p.Err)
		}
		if p := m.Command("", "serve", "--data", m.Data, "--listen", m.Address); p.Code != 1 || !strings.Contains(p.Err, "nearly full") {
			t.Errorf("%s: a start on a full disk: exit %d, %s", when, p.Code, programtest.Tail(p.Err, 2000))
		}
		if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for i := range damages {
		round(fmt.Sprint("before damage ", i), func() { m.End([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM}[i%2]) })
		if damagedStart(t, m, l, rng, i) {
			refused++
		}
	}
	m.Output = &programtest.Output{}
	m.Start()
	l.compare(m, "in the end")
	t.Logf("%d writes were answered, %d refused; %d of %d damages were refused in words", l.answered, l.refused, refused, damages)
	if l.answered < 10*kills {
		t.Errorf("only %d writes in %d rounds: there was no load", l.answered, kills)
	}
}

// smallDisk puts the data on a disk of its own that can be filled; "" where that
// cannot be made.
func smallDisk(t *testing.T, m *programtest.Program) string {
	disk := filepath.Join(m.Dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=400m", "moonwatch-test", disk).CombinedOutput(); err != nil {
		t.Logf("the rounds with a full disk are left out, no small disk can be made: %v %s", err, out)
		return ""
	}
	t.Cleanup(func() {
		m.End(syscall.SIGKILL)
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	m.Data = filepath.Join(disk, "data")
	return disk
}

// fullDisk fills the disk under load, and stops the monitor one way or another.
func fullDisk(t *testing.T, m *programtest.Program, disk, when string, i int, rng *rand.Rand) {
	fill(t, filepath.Join(disk, "filler"))
	switch i % 10 {
	case 0: // long enough that changes are refused
		programtest.Until(t, "not ready on a full disk", 20*time.Second, func() bool {
			status, _, err := m.Get("/readyz")
			return err == nil && status == 503
		})
		for path, body := range map[string]programtest.Object{
			"/services": {"name": "full"},
			"/users":    {"username": "full", "role": "viewer", "password": "correct horse battery staple"},
			"/silences": {"tags": []string{"x"}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"},
		} {
			if status, data, err := tryAPI(m, "POST", path, body); err != nil || status != 503 {
				t.Errorf("%s: POST %s: %d %s %v", when, path, status, data, err)
			}
		}
		if p := m.Command("", "token", "create", "--user", "admin", "--data", m.Data); p.Code == 0 {
			t.Errorf("%s: a token was made: %s", when, p.Out)
		}
	default:
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
	}
	if i%2 == 0 {
		m.End(syscall.SIGTERM)
	} else {
		m.End(syscall.SIGKILL)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}

// damagedStart damages a file of the stopped monitor and starts it: it runs with
// all that was answered, or says in words what is wrong, and true is returned.
// The files are put back.
func damagedStart(t *testing.T, m *programtest.Program, l *ledger, rng *rand.Rand, i int) (refused bool) {
	kept := m.Data + ".kept"
	if out, err := exec.Command("cp", "-a", "--sparse=always", m.Data, kept).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	what := damageFile(t, rng, m.Data)
	when := fmt.Sprintf("damage %d, %s", i, what)
	m.Output = &programtest.Output{}
	m.Launch()
	ready := false
	programtest.Until(t, "ready, or an end: "+when, 20*time.Second, func() bool {
		select {
		case <-m.Ended:
			return true
		default:
		}
		status, _, err := m.Get("/readyz")
		ready = err == nil && status == 200
		return ready
	})
	if ready {
		copied := &ledger{services: map[string]*entry{}}
		for name, e := range l.services {
			c := *e
			copied.services[name] = &c
		}
		copied.compare(m, when)
	} else if said := m.Output.String(); m.Process.ProcessState.ExitCode() != 1 || !strings.Contains(said, m.Data) {
		t.Errorf("%s: exit %d, %s", when, m.Process.ProcessState.ExitCode(), programtest.Tail(said, 2000))
	} else if p := m.Command("", "doctor", "--data", m.Data); p.Code != 1 || !strings.Contains(p.Out, "problem: ") {
		t.Errorf("%s: the doctor found nothing: exit %d, %s", when, p.Code, p.Out)
	}
	m.End(syscall.SIGKILL)
	wantWords(t, when, m.Output.String())
	if err := os.RemoveAll(m.Data); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept, m.Data); err != nil {
		t.Fatal(err)
	}
	return !ready
}

// damageFile damages one file of the store, and says how.
func damageFile(t *testing.T, rng *rand.Rand, data string) string {
	files, err := filepath.Glob(filepath.Join(data, "db", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(data, "db.last"), filepath.Join(data, "secret.key"))
	path := files[rng.IntN(len(files))]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(b, "\x00"))
	at := 0
	if used > 0 {
		at = rng.IntN(used)
	}
	what := ""
	switch rng.IntN(4) {
	case 0:
		if used > 0 {
			b[at] ^= 1 << rng.IntN(8)
		}
		what = "a bit flipped"
	case 1:
		b, what = b[:at], "cut"
	case 2:
		clear(b[at:])
		what = "zeros to its end"
	case 3:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(path) + " removed"
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s: %s at %d of %d", filepath.Base(path), what, at, used)
}

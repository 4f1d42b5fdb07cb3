package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// aCalendar is a calendar of one event with more lines in it.
func aCalendar(lines string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T000000Z\r\nDTEND:20260102T000000Z\r\nSUMMARY:admin\r\n" + lines + "END:VEVENT\r\nEND:VCALENDAR\r\n"
}

// hostileFeeds serves what a calendar's address may answer. Until broken is set,
// every address answers a good calendar.
func hostileFeeds(t *testing.T, broken *atomic.Bool) *httptest.Server {
	good := aCalendar("RRULE:FREQ=DAILY\r\n")
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	for range 50 {
		zip.Write(bytes.Repeat([]byte("X"), 1<<20))
	}
	zip.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.TrimSuffix(good, "END:VCALENDAR\r\n"))
		line := []byte("X-FILLER:" + strings.Repeat("x", 60) + "\r\n")
		for range 50 << 20 / len(line) {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
		fmt.Fprint(w, "END:VCALENDAR\r\n")
	})
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "BEGIN:VCALENDAR\r\n")
		for {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(200 * time.Millisecond):
				fmt.Fprint(w, "X-MORE:1\r\n")
				w.(http.Flusher).Flush()
			}
		}
	})
	mux.HandleFunc("/around", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/around", http.StatusFound) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	for path, text := range map[string]string{"/html": "<!doctype html><title>Log in</title>", "/empty": "", "/cut": good[:len(good)-20],
		"/turns-empty": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text) })
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/million":
			fmt.Fprint(w, aCalendar("RRULE:FREQ=DAILY;COUNT=1000000\r\n"))
		case r.URL.Path == "/every-second":
			fmt.Fprint(w, aCalendar("RRULE:FREQ=SECONDLY\r\n"))
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/good", http.StatusMovedPermanently)
		case r.URL.Path == "/good":
			fmt.Fprint(w, good)
		case broken.Load():
			mux.ServeHTTP(w, r)
		default:
			fmt.Fprint(w, good)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// rotaView is a rota as the API gives it.
type rotaView struct {
	ID       string
	Name     string
	Stale    bool
	ReadAt   *time.Time                       `json:"read_at"`
	Problems []struct{ Code, Message string } `json:"problems"`
}

// TestHostileFeeds gives rotas addresses of feeds that were good and are not any
// more: each keeps its shifts and says why, in little memory, and none holds up
// the others. That a feed without end is given up is awaited with
// MOONWATCH_LONG_TESTS; TestFeedThatNeverEnds holds it on the clock of the test.
func TestHostileFeeds(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	feeds := hostileFeeds(t, &broken)
	m := programtest.Serving(t)
	want := map[string]string{"large": "larger", "bomb": "larger", "endless": "", "around": "redirect", "gone": "404", "html": "", "empty": "", "cut": "", "turns-empty": "empty"}
	ids := map[string]string{}
	for path := range want {
		var r programtest.Made
		m.API("POST", "/rotas", programtest.Object{"name": path, "ical_url": feeds.URL + "/" + path}, &r)
		ids[path] = r.ID
	}
	for path, id := range ids {
		programtest.Until(t, path+" is read while it is good", 20*time.Second, func() bool {
			var r rotaView
			m.API("GET", "/rotas/"+id, nil, &r)
			return r.ReadAt != nil && !r.Stale && len(r.Problems) == 0
		})
	}
	own := func() string {
		var services struct{ Items []programtest.Made }
		m.API("GET", "/services?name=Moonwatch", nil, &services)
		if len(services.Items) != 1 {
			return ""
		}
		return services.Items[0].OverallStatus
	}
	programtest.Until(t, "the monitor finds nothing wrong with itself", 20*time.Second, func() bool { return own() == "PASSING" })
	for _, path := range []string{"million", "every-second"} {
		var r programtest.Made
		m.API("POST", "/rotas", programtest.Object{"name": path, "ical_url": feeds.URL + "/" + path}, &r)
		ids[path] = r.ID
	}
	var moved rotaView
	m.API("POST", "/rotas", programtest.Object{"name": "moved", "ical_url": feeds.URL + "/moved"}, &moved)
	m.API("POST", "/rotas/"+moved.ID+"/refresh", nil, &moved)
	if moved.Stale || len(moved.Problems) > 0 || moved.ReadAt == nil {
		t.Errorf("a feed that has moved is shown as %+v", moved)
	}
	broken.Store(true)
	before := m.Memory("VmRSS")
	m.API("PATCH", "/rotas/"+ids["endless"], programtest.Object{"name": "without end"}, nil) // a save reads it, too
	shows := func(path string, r rotaView) {
		if !r.Stale || len(r.Problems) == 0 || r.Problems[0].Code != "stale" || !strings.Contains(r.Problems[0].Message, want[path]) {
			t.Errorf("%s is shown as %+v", path, r)
		}
	}
	for path := range want {
		if path != "endless" {
			var r rotaView
			m.API("POST", "/rotas/"+ids[path]+"/refresh", nil, &r)
			shows(path, r)
		}
	}
	var r rotaView
	if os.Getenv("MOONWATCH_LONG_TESTS") != "" { // it takes half a minute
		programtest.Until(t, "the feed without end is given up", 60*time.Second, func() bool { m.API("GET", "/rotas/"+ids["endless"], nil, &r); return r.Stale })
		shows("endless", r)
	}
	if now := m.Memory("VmHWM"); before > 0 && now > before+200<<20 {
		t.Errorf("reading took %d MiB", (now-before)>>20)
	}
	var duty struct{ Items []struct{ Rota string } }
	m.API("GET", "/oncall?limit=100", nil, &duty)
	on := map[string]bool{}
	for _, d := range duty.Items {
		on[d.Rota] = true
	}
	for path := range want {
		if !on[ids[path]] {
			t.Errorf("%s: nobody is on duty any more", path)
		}
	}
	// A million recurrences are as many as there are in the next 60 days.
	var shifts struct{ Items []programtest.Object }
	m.API("GET", "/rotas/"+ids["million"]+"/shifts?limit=1000&to="+time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339), nil, &shifts)
	if n := len(shifts.Items); n < 59 || n > 62 {
		t.Errorf("%d shifts of a million", n)
	}
	m.API("GET", "/rotas/"+ids["every-second"], nil, &r)
	if len(r.Problems) == 0 || on[r.ID] {
		t.Errorf("a rule that recurs every second is shown as %+v", r)
	}
	// All of it is told to admins by the built-in service.
	programtest.Until(t, "the monitor's own service tells of it", 10*time.Second, func() bool { return own() != "PASSING" })
}

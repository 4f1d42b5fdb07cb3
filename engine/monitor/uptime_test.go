package monitor_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/history"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/storage/storagetest"
)

// past is a store into which a test writes what happened, on a day whose hours
// are numbers. The engine over it has not been started.
type past struct {
	t     *testing.T
	store *storagetest.Memory
	e     *monitor.Monitor
	n     int
}

func newPast(t *testing.T) *past { return &past{t: t, store: storagetest.NewMemory()} }

func hour(h float64) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(h * float64(time.Hour)))
}

func (p *past) put(kind engine.Kind, id string, revision uint64, at time.Time, v any, terms ...string) {
	p.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		p.t.Fatal(err)
	}
	err = p.store.Apply(p.t.Context(), &engine.Batch{ID: "b", Puts: []engine.Record{{Kind: kind, ID: id, Revision: revision, At: at, Terms: terms, Data: data}}})
	if err != nil {
		p.t.Fatal(err)
	}
}

// idAt is an id as the engine makes them at an instant.
func (p *past) idAt(at time.Time) string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	p.n++
	id, ms := [10]byte{}, at.UnixMilli()
	for i := 9; i >= 0; i-- {
		id[i] = digits[ms&31]
		ms >>= 5
	}
	return string(id[:]) + fmt.Sprintf("%010d", p.n)
}

// went records that an object's status changed: "from>to", "off" or "on".
func (p *past) went(of string, h float64, change string) {
	p.t.Helper()
	from, to, _ := strings.Cut(change, ">")
	tr := state.Transition{Of: of, At: hour(h), From: from, To: to, Active: to != ""}
	if strings.HasPrefix(to, "off ") {
		tr.Active, tr.To = false, to[4:]
	}
	p.put(engine.KindTransition, of+"/"+p.idAt(hour(h)), 0, hour(h), tr, "of:"+of)
}

func (p *past) check(id string, created float64, change func(*engine.Check)) {
	c := engine.NewCheck()
	c.ID, c.Name, c.Plugin, c.Revision, c.Created, c.Updated, c.Active = id, id, "probe", 1, hour(created), hour(created), false
	if change != nil {
		change(&c)
	}
	p.put(engine.KindCheck, id, 1, c.Created, c)
}

// service writes a revision of a service.
func (p *past) service(id string, revision uint64, h float64, change func(*engine.Service), checks ...string) {
	s := engine.NewService()
	s.ID, s.Name, s.Revision, s.Created, s.Updated, s.StatusChecks = id, id, revision, hour(-9), hour(h), checks
	if change != nil {
		change(&s)
	}
	p.put(engine.KindService, id, revision, hour(h), s)
}

func (p *past) silence(id string, start, end float64, change func(*engine.Silence)) {
	s := engine.NewSilence()
	s.ID, s.Revision, s.StartsAt, s.EndsAt, s.Maintenance = id, 1, hour(start), hour(end), true
	if change != nil {
		change(&s)
	}
	p.put(engine.KindSilence, id, 1, hour(0), s)
}

func (p *past) delete(kind engine.Kind, id string, h float64) {
	p.t.Helper()
	err := p.store.Apply(p.t.Context(), &engine.Batch{ID: "b", At: hour(h), Deletes: []engine.Key{{Kind: kind, ID: id}}})
	if err != nil {
		p.t.Fatal(err)
	}
}

// load builds the engine; its clock stands at an hour.
func (p *past) load(now float64) *monitor.Monitor {
	p.t.Helper()
	o := engine.DefaultOptions()
	o.Store, o.Sealer, o.Logger, o.Now = p.store, enginetest.OpenSealer{}, slog.New(slog.DiscardHandler), func() time.Time { return hour(now) }
	e, err := monitor.New(p.t.Context(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(e.Stop)
	p.e = e
	return e
}

// account writes an uptime in hours: "p8 f1 = 88.89".
func account(u history.Uptime) string {
	var parts []string
	for _, part := range []struct {
		letter  string
		seconds float64
	}{{"p", u.Passing}, {"f", u.Failing}, {"w", u.Warning}, {"e", u.Error}, {"c", u.Critical}, {"u", u.Unknown}, {"m", u.Maintenance}, {"i", u.Inactive}} {
		if part.seconds != 0 {
			parts = append(parts, fmt.Sprintf("%s%g", part.letter, part.seconds/3600))
		}
	}
	percent := "none"
	if u.Percent != nil {
		percent = fmt.Sprintf("%.4g", *u.Percent)
	}
	return strings.Join(parts, " ") + " = " + percent
}

func TestUptimeAccounts(t *testing.T) {
	const c, s = "check:c", "service:s"
	for _, test := range []struct {
		name string
		tell func(p *past)
		of   string
		want string // of hours 0 to 10
	}{
		{"always passing", func(p *past) { p.check("c", -9, nil); p.went(c, -9, ">PENDING"); p.went(c, -8, "PENDING>PASSING") }, c, "p10 = 100"},
		{"failing", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>PASSING")
			p.went(c, 4, "PASSING>FAILING")
			p.went(c, 6.5, "FAILING>PASSING")
		}, c, "p7.5 f2.5 = 75"},
		{"unknown is left out", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>FAILING")
			p.went(c, 1, "FAILING>UNKNOWN")
			p.went(c, 6, "UNKNOWN>PASSING")
		}, c, "p4 f1 u5 = 80"},
		{"maintenance goes before failing and unknown", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>PASSING")
			p.went(c, 2, "PASSING>FAILING")
			p.went(c, 4, "FAILING>UNKNOWN")
			p.went(c, 6, "UNKNOWN>PASSING")
			p.silence("m1", 3, 5, func(s *engine.Silence) { s.Checks = []string{"c"} })
			p.silence("m2", 4.5, 7, func(s *engine.Silence) { s.Checks = []string{"c"} })
		}, c, "p5 f1 m4 = 83.33"},
		{"a silence without maintenance, and one of others", func(p *past) {
			p.check("c", -9, func(c *engine.Check) { c.Tags = []string{"db"} })
			p.went(c, -8, "PENDING>PASSING")
			p.silence("m1", 3, 5, func(s *engine.Silence) { s.Checks, s.Maintenance = []string{"c"}, false })
			p.silence("m2", 3, 5, func(s *engine.Silence) { s.Checks, s.Tags = []string{"d"}, []string{"web"} })
			p.silence("m3", 8, 99, func(s *engine.Silence) { s.Tags = []string{"db"} })
		}, c, "p8 m2 = 100"},
		{"maintenance that recurs", func(p *past) {
			p.check("c", -99, nil)
			p.went(c, -98, "PENDING>PASSING")
			p.silence("m", -47, -46, func(s *engine.Silence) { s.Checks, s.RRule = []string{"c"}, "FREQ=DAILY" })
		}, c, "p9 m1 = 100"},
		{"a silence deleted meanwhile", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>PASSING")
			s := engine.NewSilence()
			s.ID, s.Checks, s.StartsAt, s.EndsAt, s.Maintenance = "m", []string{"c"}, hour(2), hour(8), true
			p.put(engine.KindMark, "maintenance/m", 0, hour(5), map[string]any{"silence": s, "ended": hour(5)})
		}, c, "p7 m3 = 100"},
		{"made in the span", func(p *past) {
			p.check("c", 4, nil)
			p.went(c, 4, ">PENDING")
			p.went(c, 5, "PENDING>FAILING")
			p.went(c, 8, "FAILING>PASSING")
		}, c, "p2 f3 u1 i4 = 40"},
		{"switched off, also under maintenance", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>PASSING")
			p.went(c, 2, "PASSING>off PASSING")
			p.went(c, 6, "PASSING>PASSING")
			p.silence("m", 1, 3, func(s *engine.Silence) { s.Checks = []string{"c"} })
		}, c, "p5 m1 i4 = 100"},
		{"deleted in the span", func(p *past) {
			p.went(c, -8, "PENDING>FAILING")
			p.went(c, 5, "FAILING>")
		}, c, "f5 i5 = 0"},
		{"made after the span", func(p *past) { p.check("c", 10.5, nil); p.went(c, 10.5, ">PENDING") }, c, "i10 = none"},
		{"not recorded, as before transitions were", func(p *past) { p.check("c", 3, nil) }, c, "i10 = none"}, // inactive
		{"the monitor did not run", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>FAILING")
			p.went("monitor", -3, "RUNNING>STOPPED")
			p.went("monitor", 1, "STOPPED>RUNNING")
			p.went("monitor", 8, "RUNNING>STOPPED")
			p.went("monitor", 9, "STOPPED>RUNNING")
		}, c, "f8 u2 = 0"},
		{"a service in every status", func(p *past) {
			p.service("s", 1, -9, nil)
			p.went(s, -9, ">PASSING")
			p.went(s, 4, "PASSING>WARNING")
			p.went(s, 5, "WARNING>CRITICAL")
			p.went(s, 7, "CRITICAL>ERROR")
			p.went(s, 8, "ERROR>PASSING")
			p.silence("m", 6, 6.5, func(s *engine.Silence) { s.Services = []string{"s"} })
		}, s, "p6 w1 e1 c1.5 m0.5 = 63.16"},
		{"a service with one check has its uptime", func(p *past) {
			p.check("c", -9, func(c *engine.Check) { c.Active = true })
			p.service("s", 1, -9, nil, "c")
			p.went(s, -9, ">PASSING")
			p.went(c, -9, ">PENDING")
			p.went(c, -8, "PENDING>PASSING")
			p.went(c, 2, "PASSING>UNKNOWN")
			p.went(s, 3, "PASSING>WARNING")
			p.went(c, 5, "UNKNOWN>FAILING")
			p.went(s, 5, "WARNING>ERROR")
			p.went(c, 6, "FAILING>PASSING")
			p.went(s, 6, "ERROR>PASSING")
		}, s, "p6 e1 u3 = 85.71"},
		{"a service is unknown while nothing is known of any check", func(p *past) {
			for _, id := range []string{"c", "d", "off"} {
				p.check(id, -9, nil)
				p.went("check:"+id, -8, "PENDING>PASSING")
			}
			p.went("check:off", -7, "PASSING>off PASSING")
			p.service("s", 1, -9, nil, "c", "d", "off")
			p.went(s, -9, ">PASSING")
			p.went("check:c", 1, "PASSING>UNKNOWN")
			p.went("check:c", 6, "UNKNOWN>PASSING")
			p.went("check:d", 4, "PASSING>UNKNOWN")
			p.went("check:d", 9, "UNKNOWN>PASSING")
		}, s, "p8 u2 = 100"},
		{"checks count while they are linked", func(p *past) {
			for _, id := range []string{"c", "d"} {
				p.check(id, -9, nil)
				p.went("check:"+id, -8, "PENDING>UNKNOWN")
			}
			p.went("check:d", 8, "UNKNOWN>PASSING")
			p.service("s", 1, -9, nil)
			p.service("s", 2, 2, nil, "c")
			p.service("s", 3, 5, nil, "c", "d")
			p.went(s, -9, ">PASSING")
		}, s, "p4 u6 = 100"},
		{"a deleted service", func(p *past) {
			p.check("c", -9, nil)
			p.went("check:c", -8, "PENDING>UNKNOWN")
			p.service("s", 1, -9, nil, "c")
			p.went(s, -9, ">PASSING")
			p.went(s, 6, "PASSING>")
			p.delete(engine.KindService, "s", 6)
		}, s, "u6 i4 = none"},
		{"longer ago than history is kept", func(p *past) {
			p.check("c", -9, nil)
			p.went(c, -8, "PENDING>FAILING")
			settings := engine.DefaultSettings()
			settings.HistoryKept, settings.Revision = engine.Duration(8*time.Hour), 1
			p.put(engine.KindSettings, "site", 1, hour(0), settings)
		}, c, "f7 i3 = 0"},
	} {
		p := newPast(t)
		test.tell(p)
		p.load(11)
		u, err := p.e.History.Uptime(t.Context(), test.of, hour(0), hour(10))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := account(u); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if sum := u.Passing + u.Failing + u.Warning + u.Error + u.Critical + u.Unknown + u.Maintenance + u.Inactive; sum != u.Total || u.Total != 36000 {
			t.Errorf("%s: the parts come to %g of %g s", test.name, sum, u.Total)
		}
	}
}

func TestUptimeOfTheFutureAndOfNothing(t *testing.T) {
	p := newPast(t)
	p.check("c", -9, nil)
	p.went("check:c", -8, "PENDING>PASSING")
	e := p.load(4)
	u, err := e.History.Uptime(t.Context(), history.CheckKey("c"), hour(0), hour(10))
	if err != nil || account(u) != "p4 = 100" || !u.To.Equal(hour(4)) {
		t.Errorf("up to now: %+v, %v", u, err)
	}
	if _, err := e.History.Uptime(t.Context(), "check:c", hour(5), hour(6)); engine.KindOf(err) != engine.Invalid {
		t.Errorf("of the future: %v", err)
	}
	if _, err := e.History.Uptime(t.Context(), "check:c", hour(3), hour(2)); engine.KindOf(err) != engine.Invalid {
		t.Errorf("the wrong way round: %v", err)
	}
	for _, of := range []string{"check:d", "service:c", "monitor", "", "check:"} {
		if _, err := e.History.Uptime(t.Context(), of, hour(0), hour(1)); engine.KindOf(err) != engine.NotFound {
			t.Errorf("of %q: %v", of, err)
		}
	}
}

func TestUptimeDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := newPast(t)
	p.check("c", 0, nil)
	p.went("check:c", 0, ">PENDING")
	p.went("check:c", 1, "PENDING>PASSING")
	p.went("check:c", 28*24+20, "PASSING>FAILING") // 29 March 20:00 UTC, the day that loses an hour
	p.went("check:c", 29*24+4, "FAILING>PASSING")
	e := p.load(29*24 + 10) // 30 March, 12:00 in Berlin
	list, err := e.History.UptimeDays(t.Context(), "check:c", 31, zone)
	if err != nil || len(list) != 31 {
		t.Fatalf("%d days, %v", len(list), err)
	}
	for i, want := range map[int]string{0: "i24 = none", 1: "p22 u1 i1 = 100", 2: "p24 = 100", 28: "p24 = 100", 29: "p21 f2 = 91.3", 30: "p6 f6 = 50"} {
		if got := account(list[i]); got != want {
			t.Errorf("day %d from %s: %s, want %s", i, list[i].From.In(zone), got, want)
		}
	}
	for i := 1; i < len(list); i++ {
		if !list[i].From.Equal(list[i-1].To) || list[i].From.In(zone).Hour() != 0 {
			t.Errorf("day %d begins at %s, the one before ends at %s", i, list[i].From.In(zone), list[i-1].To.In(zone))
		}
	}
	// Where the clock leaves midnight out, a day begins when the last one ends.
	for _, name := range []string{"America/Havana", "Africa/Cairo"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := p.load(60*24).History.UptimeDays(t.Context(), "check:c", 60, zone)
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range list {
			y, m, d := list[59].To.In(zone).Date()
			if want := time.Date(y, m, d-59+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly); u.From.In(zone).Format(time.DateOnly) != want {
				t.Errorf("day %d in %s begins at %s, want on %s", i, name, u.From.In(zone), want)
			}
		}
	}
	for _, days := range []int{0, -1, 1e6} {
		if _, err := e.History.UptimeDays(t.Context(), "check:c", days, zone); engine.KindOf(err) != engine.Invalid {
			t.Errorf("%d days: %v", days, err)
		}
	}
}

// TestUptimeFollowsTheEngine lets an engine record what happens, with a stop in
// between, and compares the account with what was done.
func TestUptimeFollowsTheEngine(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Second) })
		s := b.service("site", nil, c)
		begin := time.Now()
		time.Sleep(20 * time.Minute)
		b.set("web", "CRITICAL")
		time.Sleep(10 * time.Minute)
		b.set("web", "")
		time.Sleep(10 * time.Minute)
		b.e.Stop()
		time.Sleep(20 * time.Minute)
		b.start()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		near := func(name string, got float64, want time.Duration) {
			t.Helper()
			if d := got - want.Seconds(); d < -21 || d > 21 {
				t.Errorf("%s for %gs, want about %s", name, got, want)
			}
		}
		ref := engine.Ref{Kind: engine.KindService, ID: s.ID}
		for of, failing := range map[string]func(history.Uptime) float64{
			history.CheckKey(c.ID): func(u history.Uptime) float64 { return u.Failing },
			state.Term(ref):        func(u history.Uptime) float64 { return u.Critical },
		} {
			u, err := b.e.History.Uptime(b.t.Context(), of, begin, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			near(of+" passing", u.Passing, 50*time.Minute)
			near(of+" failing", failing(u), 10*time.Minute)
			near(of+" unknown", u.Unknown, 20*time.Minute)
			if u.Total != 80*60 {
				t.Errorf("%s: %g s in all", of, u.Total)
			}
		}
		// Gone is gone, and what was stays known.
		if err := b.e.Targets.DeleteService(b.t.Context(), admin, s.ID, nil); err != nil {
			t.Fatal(err)
		}
		if err := b.e.Checks.DeleteCheck(b.t.Context(), admin, c.ID, nil); err != nil {
			t.Fatal(err)
		}
		deleted := time.Now()
		time.Sleep(time.Hour)
		for _, of := range []string{history.CheckKey(c.ID), state.Term(ref)} {
			u, err := b.e.History.Uptime(b.t.Context(), of, begin, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			near(of+" inactive", u.Inactive, time.Since(deleted))
			near(of+" passing", u.Passing, 50*time.Minute)
		}
	})
}

package monitor_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/storage/storagetest"
)

var (
	sequences = flag.Int("sequences", quickSequences, "how many random sequences TestRandomSequences plays; the gate plays 10,000")
	sequence  = flag.Uint64("sequence", 0, "play this one random sequence alone")
)

// world is a monitor with two services, three checks and two alert plugins, to
// which random things happen.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	faults  bool // the store refuses batches now and then
	store   sequenceStore
	plugins *enginetest.Plugins
	e       *monitor.Monitor
	checks  []*engine.Check
	subject []*engine.Service
	user    *engine.User

	mu       sync.Mutex
	life     int // counts starts; calls of an earlier life are those of a dead process
	failing  map[string]engine.Status
	silenced bool      // both services are, by one silence
	since    time.Time // of silenced
	silence  string
	refuse   int // batches that the store refuses before, or after, applying
	outcome  map[string]engine.AlertOutcome
	calls    []call
	log      []string
}

type call struct {
	at       time.Time
	plugin   string
	kind     engine.AlertKind
	key      string
	delivery string
	outcome  engine.AlertOutcome
	silenced bool
	life     int
}

// sequenceStore is a store that sequences are played on: it refuses when told,
// is stopped and started, and crashes.
type sequenceStore interface {
	engine.Store
	SetFail(func(*engine.Batch) error)
	SetAfter(func(*engine.Batch) error)
	// restarted returns the store after a stop and a start.
	restarted() (sequenceStore, error)
	// crashed takes down what is on the disk now, and returns what goes on from
	// it once the dead process has come to rest.
	crashed() func() (sequenceStore, error)
}

// inMemory is the store in memory as a sequence's.
type inMemory struct{ *storagetest.Memory }

func (m inMemory) restarted() (sequenceStore, error) { return m, nil }

func (m inMemory) crashed() func() (sequenceStore, error) {
	disk := m.Clone()
	return func() (sequenceStore, error) { return inMemory{disk}, nil }
}

// TestRandomSequences plays random sequences of results, edits,
// acknowledgements, silences, faults of the store and of the plugins, stops and
// crashes, and holds what must always be true.
func TestRandomSequences(t *testing.T) {
	n := *sequences
	if testing.Short() || raceEnabled {
		n = min(n, 500)
	}
	if *sequence != 0 {
		play(t, *sequence, true)
		return
	}
	var wg sync.WaitGroup
	seeds := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range seeds {
				if !t.Failed() {
					play(t, seed, true)
				}
			}
		})
	}
	for seed := range n {
		seeds <- uint64(seed) + 1
	}
	close(seeds)
	wg.Wait()
}

// TestSameSequenceSameEvents holds that nothing but what happens decides.
func TestSameSequenceSameEvents(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		if a, b := play(t, seed, false), play(t, seed, false); !slices.Equal(a, b) {
			t.Errorf("sequence %d gave\n%s\nand then\n%s", seed, strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
	}
}

// play plays one sequence and returns the events that came of it.
func play(t *testing.T, seed uint64, faults bool) (events []string) {
	return playOn(t, seed, faults, inMemory{storagetest.NewMemory()})
}

// playOn plays one sequence on a store.
func playOn(t *testing.T, seed uint64, faults bool, store sequenceStore) (events []string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		w.store = store
		w.faults = faults
		w.boot()
		w.furnish()
		time.Sleep(time.Millisecond) // the first runs have ended
		for range 8 + w.rng.IntN(25) {
			w.step()
			time.Sleep(time.Duration(w.rng.IntN(4000)) * time.Millisecond)
		}
		synctest.Wait()
		w.looksRight()
		w.calm()
		events = w.judge(seed)
		w.e.Stop()
	})
	return events
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 7)), failing: map[string]engine.Status{},
		outcome: map[string]engine.AlertOutcome{}, plugins: enginetest.NewPlugins()}
	probe := &enginetest.Plugin{Info: engine.PluginMeta{Slug: "probe", Kind: engine.CheckPlugin, Hash: "h", Forms: map[engine.FormName]form.Form{}}}
	probe.OnRun = func(_ context.Context, in *engine.CheckRun) engine.RunReport {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch s := w.failing[in.Check.Name]; s {
		case "":
			return engine.RunReport{Succeeded: true}
		case "UNKNOWN":
			return engine.RunReport{Unknown: true, Cause: engine.CauseError, Error: "broken"}
		default:
			return engine.RunReport{Error: "is " + string(s), Severity: s}
		}
	}
	w.plugins.Put(engine.PluginEntry{Slug: "probe", Plugin: probe})
	w.alerter("mail", false)
	w.alerter("chat", true)
	return w
}

func (w *world) alerter(slug string, update bool) {
	w.plugins.Put(engine.PluginEntry{Slug: slug, Plugin: &enginetest.Plugin{
		Info:    engine.PluginMeta{Slug: slug, Kind: engine.AlertPlugin, Hash: "h", HasUpdate: update, Forms: map[engine.FormName]form.Form{}},
		OnAlert: func(ctx context.Context, in *engine.AlertCall) engine.AlertReport { return w.alert(ctx, slug, in) },
	}})
}

func (w *world) alert(ctx context.Context, slug string, in *engine.AlertCall) engine.AlertReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := call{at: time.Now(), plugin: slug, kind: in.Service.Kind, key: in.Service.IncidentKey, delivery: in.Service.DeliveryID, life: w.life,
		outcome: engine.OutcomeSent, silenced: w.silenced && time.Since(w.since) > 0}
	if o, ok := w.outcome[slug]; ok {
		c.outcome = o
	}
	if ctx.Err() != nil { // the process is being killed
		c.outcome = engine.OutcomeUnknown
	}
	w.calls = append(w.calls, c)
	return engine.AlertReport{Outcome: c.outcome, Why: "as decided"}
}

func (w *world) boot() {
	w.store.SetFail(w.before)
	w.store.SetAfter(w.afterwards)
	o := engine.DefaultOptions()
	o.Store, o.Sealer, o.Logger = w.store, enginetest.OpenSealer{}, slog.New(slog.DiscardHandler)
	o.Random = constant(w.life)
	e, err := monitor.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.e = e
	if err := e.Start(w.t.Context(), w.plugins); err != nil {
		w.t.Fatal(err)
	}
}

// constant is randomness that is the same at each play.
type constant byte

func (c constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)*31 + byte(i)*7 + 1
	}
	return len(b), nil
}

// before refuses a batch now and then; afterwards loses the answer of one that
// was applied. The engine tries both again.
func (w *world) before(*engine.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse > 0 {
		w.refuse--
		return errDisk
	}
	return nil
}

func (w *world) afterwards(*engine.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse < 0 {
		w.refuse++
		return errDisk
	}
	return nil
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) furnish() {
	u := engine.NewUser()
	u.Username = "ada"
	saved, err := w.e.Users.SaveUser(w.t.Context(), admin, u, "", "")
	w.must(err)
	w.user = saved
	for i := range 3 {
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Interval = fmt.Sprint("c", i), "probe", engine.Duration(2*time.Second)
		c.Debounce, c.RecoverAfter = w.rng.IntN(2), 1+w.rng.IntN(2)
		saved, err := w.e.Checks.SaveCheck(w.t.Context(), admin, c)
		w.must(err)
		w.checks = append(w.checks, saved)
	}
	for i, checks := range [][]*engine.Check{w.checks[:2], w.checks[1:]} {
		s := engine.NewService()
		s.Name = fmt.Sprint("s", i)
		s.UsersToNotify = []string{w.user.ID}
		for _, c := range checks {
			s.StatusChecks = append(s.StatusChecks, c.ID)
		}
		s.Alerts = []engine.AlertChoice{{Plugin: "mail"}, {Plugin: "chat"}}
		every := engine.Duration(time.Duration(5+w.rng.IntN(60)) * time.Second)
		s.RepeatInterval = map[engine.Status]engine.Duration{engine.StatusWarning: every, engine.StatusError: every, engine.StatusCritical: every}
		if i == 1 && w.rng.IntN(3) == 0 {
			s.DependsOn = []engine.Ref{{Kind: engine.KindService, ID: w.subject[0].ID}}
		}
		saved, err := w.e.Targets.SaveService(w.t.Context(), admin, s)
		w.must(err)
		w.subject = append(w.subject, saved)
	}
}

func (w *world) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%s ", time.Now().Format("04:05.000"))+fmt.Sprintf(format, args...))
}

// step lets one random thing happen.
func (w *world) step() {
	ctx := w.t.Context()
	s := w.subject[w.rng.IntN(len(w.subject))]
	ref := engine.Ref{Kind: engine.KindService, ID: s.ID}
	switch w.rng.IntN(16) {
	case 0, 1, 2, 3:
		severity := []engine.Status{"", "", engine.StatusWarning, engine.StatusError, engine.StatusCritical, "UNKNOWN"}[w.rng.IntN(6)]
		name := fmt.Sprint("c", w.rng.IntN(3))
		w.note("%s is %q", name, severity)
		w.mu.Lock()
		w.failing[name] = severity
		w.mu.Unlock()
	case 4, 5:
		slug := []string{"mail", "chat"}[w.rng.IntN(2)]
		outcome := []engine.AlertOutcome{engine.OutcomeSent, engine.OutcomeSent, engine.OutcomeFailed, engine.OutcomeUnknown}[w.rng.IntN(4)]
		w.note("%s will be %s", slug, outcome)
		w.mu.Lock()
		w.outcome[slug] = outcome
		w.mu.Unlock()
	case 6:
		lasts := time.Duration(w.rng.IntN(20)) * time.Second
		w.note("acknowledge %s for %s", s.Name, lasts)
		w.e.Incidents.Acknowledge(ctx, admin, ref, engine.AckOptions{ExpiresIn: &lasts})
	case 7:
		w.note("unacknowledge %s", s.Name)
		w.e.Incidents.Unacknowledge(ctx, admin, ref)
	case 8, 9:
		w.toggleSilence()
	case 10:
		w.edit(s, "alerts_enabled", func(s *engine.Service) { s.AlertsEnabled = !s.AlertsEnabled })
	case 11:
		w.edit(s, "plugins", func(s *engine.Service) {
			if len(s.Alerts) == 2 {
				s.Alerts = s.Alerts[:1]
			} else {
				s.Alerts = []engine.AlertChoice{{Plugin: "mail"}, {Plugin: "chat"}}
			}
		})
	case 12:
		c, err := w.e.Checks.StoredCheck(w.checks[w.rng.IntN(3)].ID)
		w.must(err)
		c.Active = !c.Active
		w.note("%s active: %v", c.Name, c.Active)
		_, err = w.e.Checks.SaveCheck(ctx, admin, c)
		w.must(err)
	case 13:
		refuse := []int{3, -2, 1}[w.rng.IntN(3)]
		if !w.faults { // how often it is tried again depends on how batches are grouped
			return
		}
		w.note("the store refuses %d", refuse)
		w.mu.Lock()
		w.refuse = refuse
		w.mu.Unlock()
	case 14:
		w.note("stop and start")
		w.e.Stop()
		w.nextLife()
		w.reopen(w.store.restarted())
		time.Sleep(time.Duration(w.rng.IntN(10)) * time.Second)
		w.boot()
	case 15:
		w.note("crash")
		w.crash()
	}
}

func (w *world) edit(s *engine.Service, what string, change func(*engine.Service)) {
	stored, err := w.e.Targets.StoredService(s.ID)
	w.must(err)
	change(&stored)
	w.note("%s: %s", s.Name, what)
	_, err = w.e.Targets.SaveService(w.t.Context(), admin, stored)
	w.must(err)
}

func (w *world) toggleSilence() {
	w.note("silence toggled, was %v", w.silenced)
	if w.silence != "" {
		w.setSilenced(false) // what it held may leave before the deletion returns
		w.must(w.e.Silences.DeleteSilence(w.t.Context(), admin, w.silence, nil))
		w.silence = ""
		return
	}
	s := engine.NewSilence()
	s.Services = []string{w.subject[0].ID, w.subject[1].ID}
	s.StartsAt, s.EndsAt = time.Now(), time.Now().Add(24*time.Hour)
	saved, err := w.e.Silences.SaveSilence(w.t.Context(), admin, s)
	w.must(err)
	w.silence = saved.ID
	time.Sleep(time.Millisecond) // calls that were under way have begun
	w.setSilenced(true)
}

func (w *world) setSilenced(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silenced, w.since = on, time.Now()
}

func (w *world) nextLife() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life++
	w.refuse = 0
}

// crash goes on from what was on disk: all that the old process does later is lost.
func (w *world) crash() {
	disk := w.store.crashed()
	w.mu.Lock()
	n := len(w.calls)
	w.mu.Unlock()
	w.nextLife()
	w.e.Stop()
	w.mu.Lock()
	w.calls = w.calls[:n] // what the dead process did after its death did not happen
	w.mu.Unlock()
	w.reopen(disk())
	w.boot()
}

func (w *world) reopen(store sequenceStore, err error) {
	w.must(err)
	w.store = store
}

// looksRight holds that what pages are told of all checks and of those in trouble agree.
func (w *world) looksRight() {
	tally, troubled := w.e.Checks.Troubled()
	want, inTrouble := edit.Tally{}, map[string]bool{}
	for _, c := range w.e.Checks.Checks() {
		if !c.Active {
			want.Paused++
			continue
		}
		want.Active++
		switch c.Status {
		case engine.CheckPassing:
			want.Passing++
		case engine.CheckFailing:
			want.Failing++
		case engine.CheckPending:
			want.Pending++
		default:
			want.Unknown++
		}
		if c.Status == engine.CheckFailing && c.Severity == engine.StatusCritical {
			want.Critical++
		}
		if c.Severity != "" || c.Status == engine.CheckFailing || c.Status == engine.CheckUnknown {
			inTrouble[c.ID] = true
		}
	}
	if tally != want || tally != w.e.Checks.Tally() {
		w.t.Errorf("checks are counted as %+v, want %+v", tally, want)
	}
	for _, c := range troubled {
		whole, err := w.e.Checks.Check(c.ID)
		if !inTrouble[c.ID] || err != nil || c.Status != whole.Status || !slices.Equal(c.Services, whole.Services) {
			w.t.Errorf("in trouble: %+v, want %+v", c, whole)
		}
		delete(inTrouble, c.ID)
	}
	if len(inTrouble) > 0 {
		w.t.Errorf("not among those in trouble: %v", inTrouble)
	}
}

// calm lets everything recover and the outbox empty itself.
func (w *world) calm() {
	w.note("calm")
	w.mu.Lock()
	clear(w.failing)
	clear(w.outcome)
	w.refuse = 0
	w.mu.Unlock()
	each := func(change func(*engine.Check)) {
		for _, c := range w.checks {
			stored, err := w.e.Checks.StoredCheck(c.ID)
			w.must(err)
			change(&stored)
			_, err = w.e.Checks.SaveCheck(w.t.Context(), admin, stored)
			w.must(err)
		}
	}
	each(func(c *engine.Check) { c.Active = true })
	time.Sleep(30 * time.Second)
	// Flapping ends within an hour of passing, with few runs as with many.
	each(func(c *engine.Check) { c.Interval = engine.Duration(10 * time.Minute) })
	time.Sleep(70 * time.Minute)
	synctest.Wait()
}

// events lists what happened in all incidents, and makes sure that every
// delivery came to its end.

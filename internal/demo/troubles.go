package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// trouble is what goes wrong with a check once: phases after its begin.
type trouble struct {
	at     time.Time
	phases []phase
	script *script // what people do about it, of the first check that it befalls
}

// phase is how a check is for a while.
type phase struct {
	from, to time.Duration // since the trouble began
	severity string        // "" is that it passes
	says     string        // its error
	slow     float64       // how many times as long a run takes; 0 is once
	value    float64       // what it reads in place of its number; 0 is its number
	silent   bool          // it measured nothing
	odd      bool          // it is so two runs of four: it flaps
}

func (p phase) fails() bool { return p.severity != "" }

// script is what people do about an incident.
type script struct {
	service string
	acked   time.Duration // after which somebody acknowledges; 0 is nobody
	comment string
	by      string // "" is who is on duty
	notes   []remark
}

type remark struct {
	after  time.Duration
	text   string
	public bool
}

// end is when the trouble is over.
func (t *trouble) end() time.Time {
	last := time.Duration(0)
	for _, p := range t.phases {
		last = max(last, p.to)
	}
	return t.at.Add(last)
}

// phaseAt is how the check is at an instant; the zero phase is well.
func phaseAt(phases []phase, since time.Duration, k *check, at time.Time) phase {
	for _, p := range phases {
		if since >= p.from && since < p.to {
			if p.odd && at.Unix()/int64(k.interval/time.Second)%4 < 2 {
				return phase{}
			}
			return p
		}
	}
	return phase{}
}

// trouble is how the check is at an instant, from what happened and from the
// outage that is rehearsed.
func (c *City) trouble(k *check, at time.Time) phase {
	if o := c.outage; !o.First.IsZero() && !at.Before(o.First) {
		since := at.Sub(o.First)
		if o.Every > 0 {
			since %= o.Every
		}
		if p := phaseAt(rehearsal()[k.name], since, k, at); p.to > 0 {
			return p
		}
	}
	list := c.troubles[k.name]
	n, _ := slices.BinarySearchFunc(list, at, func(t trouble, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	if n == 0 {
		return phase{}
	}
	return phaseAt(list[n-1].phases, at.Sub(list[n-1].at), k, at)
}

// befall lets trouble happen to a check, unless it has some at that time already.
func (c *City) befall(name string, t trouble) bool {
	if c.checks[name] == nil {
		panic("nothing is named " + name)
	}
	list := c.troubles[name]
	for i := range list {
		if t.at.Before(list[i].end().Add(time.Hour)) && list[i].at.Before(t.end().Add(time.Hour)) {
			return false
		}
	}
	list = append(list, t)
	slices.SortFunc(list, func(a, b trouble) int { return a.at.Compare(b.at) })
	c.troubles[name] = list
	return true
}

// happen lets everything happen that is past at now, or goes on.
func (c *City) happen(now time.Time) {
	c.standing(now)
	for _, days := range []int{23, 41, 68} { // the outage that is rehearsed was in earnest before
		at := now.AddDate(0, 0, -days).Truncate(24 * time.Hour).Add(time.Duration(9+days%5)*time.Hour + 13*time.Minute)
		for name, phases := range rehearsal() {
			t := trouble{at: at, phases: phases}
			if name == "Main database login" {
				t.script = databaseScript()
			}
			c.befall(name, t)
		}
	}
	rng := rand.New(rand.NewPCG(c.seed, 7))
	all := c.ordered()
	for range 130 {
		k := all[rng.IntN(len(all))]
		at := now.Add(-time.Duration((0.15 + rng.Float64()*(Days-2)) * 24 * float64(time.Hour))).Truncate(time.Second)
		lasts := time.Duration(math.Exp(1.4+1.9*rng.Float64())*60) * time.Second // 4 to 27 minutes
		if rng.IntN(9) == 0 {
			lasts *= 6
		}
		p, ok := k.ordinary(rng)
		if !ok || k.of.place.database && rng.IntN(2) == 0 {
			continue
		}
		p.to = max(lasts, 4*k.interval*time.Duration(k.debounce+1))
		t := trouble{at: at, phases: []phase{p}, script: ordinaryScript(k, p.to, rng)}
		if at.Add(p.to).Before(now.Add(-20 * time.Minute)) {
			c.befall(k.name, t)
		}
	}
}

// standing is what goes on at now, and will for long.
func (c *City) standing(now time.Time) {
	const long = 1000 * time.Hour
	c.befall("Backups disk /backup", trouble{at: now.Add(-31 * time.Hour), phases: []phase{
		{to: long, severity: "WARNING", says: "DISK WARNING - /backup is 91.6% full", value: 91.6},
	}, script: &script{service: "Backups", acked: 26 * time.Minute, by: "priya", comment: "New shelves come on Thursday. Old weeklies go until then.",
		notes: []remark{{2 * time.Hour, "Deleted the weeklies of March: 3 % freed.", false}, {25 * time.Hour, "The supplier confirms Thursday, 08:00.", false}}}})
	c.befall("stop-harbour ping", trouble{at: now.Add(-3*time.Hour - 7*time.Minute), phases: []phase{
		{to: long, severity: "WARNING", says: "stop-harbour: 3 of 3 packets lost", silent: true},
	}})
	c.befall("Tram stop displays online", trouble{at: now.Add(-3*time.Hour - 6*time.Minute), phases: []phase{
		{to: long, severity: "WARNING", says: "online is 161 (< 163.8)", value: 161},
	}, script: &script{service: "Tram stop displays", acked: 11 * time.Minute, comment: "Power is cut at the harbour: a technician is on the way.",
		notes: []remark{{41 * time.Minute, "Displays around the harbour are dark. Trams run as planned.", true}}}})
	c.befall("Swimming pools water celsius", trouble{at: now.Add(-95 * time.Minute), phases: []phase{
		{to: long, severity: "WARNING", says: "water_celsius is 22.1 (< 24.4)", value: 22.1},
	}})
	c.befall("Road sensors port 1883", trouble{at: now.Add(-26 * time.Minute), phases: []phase{
		{to: long, severity: "WARNING", says: "connection timed out", odd: true, silent: true},
	}})
}

// ordinary is something that goes wrong with such a check now and then.
func (k *check) ordinary(rng *rand.Rand) (phase, bool) {
	p := phase{severity: k.importance, slow: 1 + 3*rng.Float64(), silent: true}
	pick := func(says ...string) { p.says = says[rng.IntN(len(says))] }
	host := k.of.place.host + "." + domain
	switch k.plugin {
	case "http":
		pick("Wrong code: got 502 (expected 200)", "Wrong code: got 503 (expected 200)", "timed out after 30s", "Request error occurred: connection refused")
		if rng.IntN(3) == 0 {
			p.severity, p.slow, p.silent = "WARNING", 1.7/k.took, false
			p.says = "The answer took longer than 1.5 s"
		}
	case "http_steps":
		step := rng.IntN(len(k.steps))
		p.says = fmt.Sprintf("%d %s: Wrong code: got 500 (expected 2xx)", step+1, k.steps[step])
	case "json_value":
		low := k.config["comparison"] == "<"
		if k.value.warn < 1 || k.value.swing == 0 && k.value.base < 30 {
			return p, false
		}
		p.silent, p.value, p.severity = false, round(k.value.warn*0.9), "WARNING"
		if !low {
			p.value = round(k.value.warn * 1.2)
		}
		p.says = fmt.Sprintf("%s is %g (%s %g)", k.value.name, p.value, k.config["comparison"], k.value.warn)
	case "tcp":
		p.says = fmt.Sprintf("Connection to %s:%v failed: connection refused", host, k.config["port"])
	case "icmp":
		p.says = k.of.place.name + ": 3 of 3 packets lost"
	case "heartbeat":
		if rng.IntN(2) == 0 {
			return p, false
		}
		p.says = "The job ended with exit code 1"
	case "redis":
		p.says = "Connection to cache." + domain + ":6379 failed: connection refused"
	case "mysql":
		p.says = "No greeting: connection timed out"
	case "dns":
		p.says = "lookup timed out"
	default:
		return p, false
	}
	return p, true
}

// ordinaryScript is how people deal with what lasts for a while.
func ordinaryScript(k *check, lasts time.Duration, rng *rand.Rand) *script {
	if lasts < 8*time.Minute || rng.IntN(5) < 2 {
		return nil
	}
	comments := []string{"Looking.", "On it.", "Restarting it.", "The supplier is told.", "A release went wrong, rolling back.", "Known, the fix is on its way."}
	notes := []string{"A process had eaten its memory. Restarted.", "The release is rolled back.", "It was the switch in rack 4: port moved.", "The supplier found nothing, and it is back.",
		"A certificate chain was missing on one of two machines.", "Disk was full of logs; rotation is mended."}
	s := &script{service: k.of.place.name, acked: time.Duration(100+rng.IntN(300)) * time.Second, comment: comments[rng.IntN(len(comments))]}
	if rng.IntN(2) == 0 {
		s.notes = []remark{{lasts * 3 / 4, notes[rng.IntN(len(notes))], false}}
	}
	return s
}

// Steps of the rehearsed outage, in seconds since it begins.
const (
	rehearsalAcked = 230 * time.Second
	rehearsalEnds  = 430 * time.Second
)

// rehearsal is the outage that unfolds live: the main database slows down, what
// needs it follows, and all of it recovers.
func rehearsal() map[string][]phase { return rehearsed }

var rehearsed = map[string][]phase{
	"Main database login": {
		{from: at(0), to: at(15), slow: 60},
		{from: at(15), to: at(55), severity: "WARNING", says: "The login took 1.9 s (more than 1 s)", slow: 420},
		{from: at(55), to: at(85), severity: "ERROR", says: "Login failed: remaining connection slots are reserved", slow: 900, silent: true},
		{from: at(85), to: at(385), severity: "CRITICAL", says: "Login failed: FATAL: sorry, too many clients already", slow: 1200, silent: true},
		{from: at(385), to: at(430), slow: 20},
	},
	"Main database connections": {
		{from: at(10), to: at(20), value: 148},
		{from: at(20), to: at(60), severity: "WARNING", says: "connections is 191 (> 161.2)", value: 191},
		{from: at(60), to: at(380), severity: "ERROR", says: "connections is 300 (> 248)", value: 300, slow: 300},
	},
	"Database replica replication lag": {
		{from: at(40), to: at(400), severity: "WARNING", says: "replication_lag is 48.2 (> 2.1)", value: 48.2},
	},
	"Payments answers": {
		{from: at(20), to: at(45), slow: 9},
		{from: at(45), to: at(75), severity: "WARNING", says: "The answer took 3.4 s (more than 1.5 s)", slow: 28},
		{from: at(75), to: at(105), severity: "ERROR", says: "Wrong code: got 503 (expected 200)", slow: 40, silent: true},
		{from: at(105), to: at(405), severity: "CRITICAL", says: "timed out after 30s", slow: 250, silent: true},
	},
	"Payments a minute":        {{from: at(90), to: at(415), value: 2}},
	"Ticket app answers":       {{from: at(50), to: at(80), severity: "WARNING", says: "The answer took 2.2 s (more than 1.5 s)", slow: 14}, {from: at(80), to: at(410), severity: "ERROR", says: "Wrong code: got 502 (expected 200)", silent: true, slow: 20}},
	"Citizen accounts answers": {{from: at(60), to: at(400), severity: "ERROR", says: "Wrong code: got 500 (expected 200)", silent: true, slow: 12}},
	"Permits online answers":   {{from: at(70), to: at(400), severity: "ERROR", says: "Wrong code: got 500 (expected 200)", silent: true, slow: 9}},
	"Library lending answers":  {{from: at(80), to: at(405), severity: "WARNING", says: "The answer took 4.1 s (more than 1.5 s)", slow: 27}},
	"Parking app answers":      {{from: at(95), to: at(410), severity: "ERROR", says: "Wrong code: got 503 (expected 200)", silent: true, slow: 8}},
	"Water billing answers":    {{from: at(110), to: at(400), severity: "WARNING", says: "Wrong code: got 500 (expected 200)", silent: true, slow: 10}},
	"Tax office answers":       {{from: at(65), to: at(395), severity: "WARNING", says: "The answer took 2.8 s (more than 1.5 s)", slow: 11}},
}

func at(seconds int) time.Duration { return time.Duration(seconds) * time.Second }

// lively are the checks that run often, so that the outage is seen as it unfolds.
func lively(name string) bool { return rehearsed[name] != nil }

func databaseScript() *script {
	return &script{service: "Main database", acked: rehearsalAcked, comment: "A report query holds locks. Ending it.", notes: []remark{
		{rehearsalAcked + 20*time.Second, "Started by the monthly statistics at the hour.", false},
		{at(350), "Query ended, connections fall.", false},
	}}
}

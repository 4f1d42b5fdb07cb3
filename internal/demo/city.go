package demo

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// domain is the city's. Nothing below .example exists.
const domain = "moonhaven.example"

// Days is how far back the history goes.
const Days = 90

// City is all that is made up. It is not changed once it is made, and safe for
// concurrent use.
type City struct {
	seed     uint64
	services []*service
	machines []*service // instances, in the same shape
	checks   map[string]*check
	troubles map[string][]trouble // by check, those that began first in front
	outage   Outage
}

// Outage says when the rehearsed outage begins: at First, and every Every after
// that. A zero First is never.
type Outage struct {
	First time.Time
	Every time.Duration
}

// service is a service or an instance of the city.
type service struct {
	place   place
	address string // of an instance
	checks  []*check
}

// check is a check of the city, and what governs its results.
type check struct {
	name       string
	plugin     string
	config     map[string]any
	importance string
	interval   time.Duration
	debounce   int
	number     uint64 // what its chances are drawn with
	of         *service
	took       float64 // seconds that a run takes in quiet
	value      series  // number that it reads
	days       int     // that a certificate is renewed for
	steps      []string
}

// series is a number that goes up and down with the day, by share of base.
type series struct {
	name       string
	unit       string
	base       float64
	swing      float64
	warn, fail float64
	whole      bool
}

// New makes the city. What happened in it depends on seed and now alone.
func New(seed uint64, now time.Time) *City {
	c := &City{seed: seed, checks: map[string]*check{}, troubles: map[string][]trouble{}}
	for _, p := range places() {
		s := &service{place: p}
		for i, word := range strings.Fields(p.checks) {
			c.add(s, strings.Split(word, ":"), i)
		}
		c.services = append(c.services, s)
	}
	for _, m := range machines() {
		s := &service{place: place{name: m.name, tag: "host", worst: "WARNING"}, address: m.address}
		c.add(s, []string{"ping"}, 0)
		c.machines = append(c.machines, s)
	}
	c.happen(now)
	return c
}

// Rehearse lets the outage begin; it is called before anything runs.
func (c *City) Rehearse(o Outage) { c.outage = o }

// add makes the check that the words stand for.
func (c *City) add(s *service, words []string, place int) {
	k := &check{of: s, importance: cmp.Or(map[int]string{0: s.place.worst}[place], "WARNING"), interval: 30 * time.Second, debounce: 1, took: 0.03}
	host := s.place.host + "." + domain
	k.shape(words, host)
	k.name = s.place.name + " " + k.name
	if c.checks[k.name] != nil {
		panic("two checks are named " + k.name)
	}
	if lively(k.name) {
		k.interval, k.debounce = 10*time.Second, 0
	}
	h := fnv.New64a()
	h.Write([]byte(k.name))
	k.number = h.Sum64()
	s.checks = append(s.checks, k)
	c.checks[k.name] = k
}

// shape fills in what one kind of check is made of.
func (k *check) shape(words []string, host string) {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch words[0] {
	case "http":
		k.name, k.plugin, k.took = "answers", "http", number(arg(1))/1000
		k.config = map[string]any{"endpoint": "https://" + host + "/health", "warn_after": "1500ms", "fail_after": "8s"}
	case "cert":
		k.name, k.plugin, k.interval, k.importance, k.debounce, k.days = "certificate", "tls_certificate", time.Hour, "WARNING", 0, 90
		k.config = map[string]any{"host": host, "warn_days": 14, "fail_days": 3}
		if arg(1) != "" {
			k.config["port"], k.config["starttls"] = 25, "smtp"
		}
		k.value = series{name: "days_left", unit: "days", warn: 14, fail: 3}
	case "steps":
		k.name, k.plugin, k.interval, k.took = "sign-in", "http_steps", time.Minute, number(arg(1))/1000
		k.steps = strings.Split(strings.ReplaceAll(arg(2), "_", " "), ",")
		var steps []map[string]any
		for i, name := range k.steps {
			steps = append(steps, map[string]any{"name": name, "url": fmt.Sprintf("https://%s/%d", host, i+1)})
		}
		k.config = map[string]any{"steps": steps, "warn_after": "3s"}
	case "api":
		k.value = seriesOf(arg(1), number(arg(2)), number(arg(3)))
		k.name, k.plugin, k.interval = strings.ReplaceAll(arg(1), "_", " "), "json_value", time.Minute
		k.config = map[string]any{"endpoint": "https://" + host + "/status.json", "path": arg(1), "comparison": "<", "warn": k.value.warn, "fail": k.value.fail}
		if k.value.swing > 0.5 || k.value.name == "messages_waiting" || k.value.name == "co_ppm" {
			k.config["comparison"] = ">"
		}
	case "tcp":
		k.name, k.plugin, k.took = "port "+arg(1), "tcp", number(arg(2))/1000
		k.config = map[string]any{"host": host, "port": number(arg(1))}
	case "dns":
		k.record(cmp.Or(arg(1), "A"), arg(2), host)
	case "domain":
		k.name, k.plugin, k.interval, k.days = "domain", "domain", 6*time.Hour, 365
		k.config = map[string]any{"domain": "example.org", "warn_days": 30, "fail_days": 7}
		k.value = series{name: "days_left", unit: "days", warn: 30, fail: 7}
	case "pg":
		k.name, k.plugin, k.interval, k.took = "login", "postgresql", 10*time.Second, number(arg(1))/1000
		k.config = map[string]any{"host": host, "user": "monitor", "database": "city"}
	case "pgq":
		k.value = seriesOf(arg(1), number(arg(2)), number(arg(3)))
		k.name, k.plugin, k.interval, k.took = strings.ReplaceAll(arg(1), "_", " "), "postgresql", 10*time.Second, 0.006
		k.config = map[string]any{"host": "db." + domain, "user": "monitor", "database": "city", "query": "SELECT count(*) FROM " + arg(1),
			"warn": k.value.warn, "fail": k.value.fail}
	case "mysql":
		k.name, k.plugin, k.took = "database", "mysql", number(arg(1))/1000
		k.config = map[string]any{"host": host}
	case "redis":
		k.name, k.plugin, k.took = "PING", "redis", number(arg(1))/1000
		k.config = map[string]any{"host": "cache." + domain}
		if arg(2) != "" {
			k.value = series{name: "value", unit: "MB", base: number(arg(3)), swing: number(arg(4)), whole: true}
			k.name, k.config["command"] = "memory", "MEMORY USAGE sessions"
		}
	case "hb":
		every, _ := time.ParseDuration(strings.Replace(arg(1), "1d", "24h", 1))
		k.name, k.plugin, k.interval, k.debounce, k.took = "job every "+arg(1), "heartbeat", min(every, time.Hour), 0, 0.0004
		k.config = map[string]any{"period": arg(1), "grace": "2h"}
		k.value = series{name: "duration", unit: "s", base: number(arg(2)), swing: 0.15}
	case "disk":
		k.name, k.plugin, k.interval, k.debounce, k.took = "disk "+arg(1), "nagios", time.Minute, 0, 0.045
		k.config = map[string]any{"command": "/usr/lib/nagios/plugins/check_by_ssh", "arguments": "-H " + host + " -C 'check_disk -w 10% -c 5% -p " + arg(1) + "'"}
		k.value = series{name: arg(1), unit: "%", base: number(arg(2)), swing: number(arg(3)), warn: 90, fail: 95}
	case "prom":
		k.value = series{name: arg(1), base: number(arg(2)), swing: number(arg(3)), warn: number(arg(2)) * 3, fail: number(arg(2)) * 5, whole: true}
		k.name, k.plugin, k.interval, k.took = strings.ReplaceAll(arg(1), "_", " "), "prometheus", time.Minute, 0.022
		k.config = map[string]any{"server": "http://metrics." + domain + ":9090", "query": "sum(" + arg(1) + ")", "warn": k.value.warn, "fail": k.value.fail}
	case "ping":
		k.name, k.plugin, k.took = "ping", "icmp", 0.004
		k.config = map[string]any{"count": 3, "max_loss": 50}
	default:
		panic("no check is made of " + words[0])
	}
}

// record fills in a check of names.
func (k *check) record(kind, name, host string) {
	if kind == "A" {
		host = strings.TrimPrefix(cmp.Or(name+"."+domain, host), ".")
		if name == "" {
			host = "www." + domain
		}
	} else {
		host = domain
	}
	k.name, k.plugin, k.interval, k.took = strings.TrimSpace("name "+kind+" "+name), "dns", time.Minute, 0.012
	k.config = map[string]any{"hostname": host, "record_type": kind}
}

// seriesOf is a number with thresholds well outside of where it goes by itself.
func seriesOf(name string, base, swing float64) series {
	s := series{name: name, base: base, swing: swing, whole: base >= 20}
	if swing > 0.5 || name == "messages_waiting" || name == "co_ppm" || name == "connections" || name == "replication_lag" || name == "open_applications" || name == "loans_today" {
		s.warn, s.fail = round(base*2.6), round(base*4)
		return s
	}
	low := base * (1 - max(swing, -swing))
	s.warn, s.fail = round(low*0.9), round(low*0.6)
	if low < 2 {
		s.warn, s.fail = 1, 0
	}
	return s
}

func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("read a number of a place: %v", err))
	}
	return v
}

// ordered are all checks in order of name.
func (c *City) ordered() []*check {
	var out []*check
	for _, k := range c.checks {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b *check) int { return cmp.Compare(a.name, b.name) })
	return out
}

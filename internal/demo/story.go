package demo

import (
	"fmt"
	"math"
	"time"

	"moonwatch/engine"
)

// Report is what a check of the city finds at an instant, and false for a check
// that is not the city's. It is pure: the same for the same city, name and instant.
func (c *City) Report(name string, at time.Time) (engine.RunReport, bool) {
	k := c.checks[name]
	if k == nil {
		return engine.RunReport{}, false
	}
	return c.report(k, at), true
}

func (c *City) report(k *check, at time.Time) engine.RunReport {
	d := c.draw(k, at)
	now := c.trouble(k, at)
	r := engine.RunReport{Succeeded: true}
	c.measure(&r, k, d, now, at)
	switch {
	case now.fails():
		r.Succeeded, r.Message, r.Error, r.Severity = false, "", now.says, engine.Status(now.severity)
		if now.silent { // nothing was measured but the time until it was given up
			r.Metrics = nil
		}
	case k.blip(d, at):
		r.Succeeded, r.Message, r.Error, r.Metrics = false, "", k.hiccup(), nil
	}
	return r
}

// chance is what is drawn for one run: numbers from 0 to 1.
type chance struct{ a, b, c float64 }

// draw draws the chances of a run: those of a check and an instant are always the same.
func (c *City) draw(k *check, at time.Time) chance {
	x := mix(c.seed ^ k.number ^ mix(uint64(at.UnixMilli())))
	return chance{unit(x), unit(mix(x + 1)), unit(mix(x + 2))}
}

// mix is the finisher of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// busy is how busy the city is, from 0 in the night to 1 in the afternoon, and
// less at weekends.
func busy(at time.Time) float64 {
	hour := float64(at.Unix()%86400) / 3600
	day := 0.5 - 0.5*math.Cos((hour-4)/24*2*math.Pi)
	week := 0.5 + 0.5*math.Cos((float64(at.Unix()%(7*86400))/86400-6.5)/7*2*math.Pi) // Thursday is day 0
	return day * (0.72 + 0.28*week)
}

// blip reports a rare failure that the next run does not find again: debounce
// is made for those.
func (k *check) blip(d chance, at time.Time) bool {
	return k.debounce > 0 && d.c < 0.0006 && at.Unix()/int64(k.interval/time.Second)%2 == 0
}

func (k *check) hiccup() string {
	switch k.plugin {
	case "http", "http_steps", "json_value", "prometheus":
		return "Request error occurred: connection reset by peer"
	case "icmp":
		return k.of.place.name + ": 2 of 3 packets lost"
	}
	return "connection timed out"
}

// measure fills in what a run measured and says, and how long it took.
func (c *City) measure(r *engine.RunReport, k *check, d chance, now phase, at time.Time) {
	spread := 0.82 + 0.3*(d.a+d.b) + 0.9*math.Pow(d.c, 40) // around 1.13, with a tail
	load := 1 + 0.45*busy(at)
	took := k.took * load * spread * max(now.slow, 1)
	r.Took = time.Duration(took*1e6).Truncate(1) * time.Microsecond
	secs := r.Took.Seconds()
	metric := func(name string, v float64, unit string) {
		r.Metrics = append(r.Metrics, engine.Metric{Name: name, Value: math.Round(v*1e6) / 1e6, Unit: unit})
	}
	switch k.plugin {
	case "http":
		connect, tls := min(0.011*spread, secs*0.2), min(0.024*(0.8+0.4*d.b), secs*0.3)
		lookup := 0.0012 * (0.6 + 1.2*d.a)
		r.Metrics = make([]engine.Metric, 0, 5)
		r.Metrics = append(r.Metrics, engine.Metric{Name: "total", Value: secs, Unit: "s", Warn: &warnAfter, Fail: &failAfter})
		metric("first_byte", secs-lookup-connect-tls, "s")
		metric("dns", lookup, "s")
		metric("connect", connect, "s")
		metric("tls", tls, "s")
	case "http_steps":
		rest := secs
		for i, step := range k.steps {
			part := rest * (0.3 + 0.1*d.b)
			if i == len(k.steps)-1 {
				part = rest
			}
			metric(fmt.Sprintf("%d %s", i+1, step), part, "s")
			rest -= part
		}
		metric("total", secs, "s")
	case "tcp":
		metric("connect", secs, "s")
	case "dns":
		metric("time", secs, "s")
	case "icmp":
		metric(k.of.place.name+" loss", 0, "%")
		metric(k.of.place.name+" rtt", secs*0.7, "s")
	case "tls_certificate", "domain":
		left := c.left(k, at)
		r.Metrics = append(r.Metrics, engine.Metric{Name: k.value.name, Value: math.Round(left*1000) / 1000, Unit: "days", Warn: &k.value.warn, Fail: &k.value.fail})
		r.Message = "Valid until " + at.Add(time.Duration(left*24)*time.Hour).UTC().Format("2006-01-02")
	case "postgresql":
		metric("login", secs*0.8, "s")
		r.Message = "PostgreSQL 16.4"
		c.read(r, k, d, now, at)
	case "mysql":
		metric("greeting", secs, "s")
		r.Message = "MariaDB 11.4.2"
	case "redis":
		metric("answer", secs, "s")
		r.Message = "PONG"
		c.read(r, k, d, now, at)
	default:
		c.read(r, k, d, now, at)
	}
}

var warnAfter, failAfter = 1.5, 8.0 // of the checks by HTTP, as in their configuration

// read fills in the number that a check reads.
func (c *City) read(r *engine.RunReport, k *check, d chance, now phase, at time.Time) {
	s := &k.value
	if s.name == "" {
		return
	}
	v := s.at(d, at)
	if k.plugin == "nagios" {
		v = c.disk(k, at)
	}
	if now.value != 0 {
		v = now.value
	}
	if s.whole {
		v = math.Round(v)
	} else {
		v = math.Round(v*100) / 100
	}
	m := engine.Metric{Name: s.name, Value: v, Unit: s.unit}
	if s.warn != 0 {
		m.Warn, m.Fail = &s.warn, &s.fail
	}
	r.Metrics = append(r.Metrics, m)
	switch k.plugin {
	case "nagios":
		r.Message = fmt.Sprintf("DISK OK - %s is %.1f%% full", s.name, v)
	case "heartbeat":
		r.Message = "The job ended after " + (time.Duration(v) * time.Second).String()
	default:
		r.Message = fmt.Sprintf("%s is %.10g", s.name, v)
	}
}

// at is the number in quiet: lamps and free spaces go down when the city is busy.
func (s *series) at(d chance, at time.Time) float64 {
	b := busy(at)
	noise := 1 + 0.03*(d.a-0.5)
	switch {
	case s.swing == 0:
		return s.base
	case s.swing < 0:
		return s.base * (1 + s.swing*b) * noise
	}
	return s.base * (1 - s.swing + 2*s.swing*b) * noise
}

// disk fills up over weeks and is cleaned up.
func (c *City) disk(k *check, at time.Time) float64 {
	period := 21 + 14*unit(k.number)
	days := float64(at.Unix())/86400 + 100*unit(mix(k.number))
	return k.value.base + 6*math.Mod(days, period)/period + 0.4*busy(at)
}

// left is how many days a certificate is good for: it is renewed two months before.
func (c *City) left(k *check, at time.Time) float64 {
	days := float64(at.Unix())/86400 + 100*unit(k.number)
	renewed := math.Mod(days, float64(k.days)*2/3)
	return float64(k.days) - renewed
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/history"
	"moonwatch/engine/state"
	"moonwatch/storage"
)

const (
	pastDays     = 365
	rawDays      = 3   // of which there are single results, one an hour
	pastOutages  = 12  // of each check and service
	perService   = 100 // checks
	pastVariants = 8   // different days, which the checks share
)

// past makes up what a monitor would have written in a year, and writes it through
// the storage package: checks and services with their states and changes of status,
// aggregates of each day, and results of the last days.
type past struct {
	now   time.Time
	start time.Time           // of the first day
	span  int                 // days
	days  [][]engine.Record   // of a check without an id; by variant
	raw   [][]engine.Result   // likewise, oldest first
	write func(*engine.Batch) // ends the part when it fails
}

// makePast writes some days of history of n checks into a data folder that no monitor uses.
func makePast(b *bench, dir string, n, days int) {
	begun := time.Now()
	o := storage.DefaultOptions()
	o.Logger, o.NoSync = slog.New(slog.DiscardHandler), true
	db, err := storage.Open(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Hour)
	p := &past{now: now, start: now.Truncate(24*time.Hour).AddDate(0, 0, -days), span: days, write: func(batch *engine.Batch) {
		if err := db.Apply(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}}
	p.makeDays()
	b.Logf("the days are made after %v", time.Since(begun).Round(time.Second))
	var next, done atomic.Int64
	var all sync.WaitGroup
	for range 2 * runtime.NumCPU() { // each waits for the disk most of the time
		all.Go(func() {
			for service := int(next.Add(1)) - 1; service*perService < n; service = int(next.Add(1)) - 1 {
				p.service(service, min(perService, n-service*perService))
				if done.Add(1)%100 == 0 {
					b.Logf("the past of %d checks is written after %v", done.Load()*perService, time.Since(begun).Round(time.Second))
				}
			}
		})
	}
	all.Wait()
	p.write(&engine.Batch{ID: "marks", Puts: []engine.Record{history.SummedRecord(now)}})
	b.Logf("all is written after %v", time.Since(begun).Round(time.Second))
	err = db.Settle(context.Background())
	if closed := db.Close(); err == nil {
		err = closed
	}
	if err != nil || b.Failed() {
		b.Fatalf("the past was not written: %v", err)
	}
	b.Logf("the past of %d checks is settled after %v", n, time.Since(begun).Round(time.Second))
}

// makeDays makes the days that all checks share: a result each five minutes, of
// which some fail.
func (p *past) makeDays() {
	rng := rand.New(rand.NewPCG(1, 2))
	for range pastVariants {
		var days []engine.Record
		for day := range p.span {
			at := p.start.AddDate(0, 0, day)
			var results []engine.Result
			for i := range 288 {
				results = append(results, pastResult(rng, at.Add(time.Duration(i)*5*time.Minute)))
			}
			days = append(days, history.DayRecord("", at, results))
		}
		p.days = append(p.days, days)
		var raw []engine.Result
		for at := p.now.AddDate(0, 0, -rawDays); at.Before(p.now); at = at.Add(time.Hour) {
			raw = append(raw, pastResult(rng, at.Add(time.Duration(rng.IntN(3600))*time.Second)))
		}
		p.raw = append(p.raw, raw)
	}
}

func pastResult(rng *rand.Rand, at time.Time) engine.Result {
	r := engine.Result{PluginVersion: "1", Started: at, Seq: uint64(at.UnixMicro()), Took: float64(rng.IntN(200_000)) / 1e6, Succeeded: rng.IntN(200) > 0}
	if !r.Succeeded {
		r.Error = "the answer was 503"
	}
	return r
}

// service writes a service and its checks.
func (p *past) service(number, checks int) {
	s := engine.NewService()
	s.Meta = p.meta(1<<20 + number)
	s.Name, s.IsPublic = fmt.Sprintf("Service %05d", number), number < 100
	for i := range checks {
		s.StatusChecks = append(s.StatusChecks, p.check(number*perService+i))
	}
	ref := engine.Ref{Kind: engine.KindService, ID: s.ID}
	batch := &engine.Batch{ID: s.ID}
	changed := p.changes(batch, ref.Key(), string(engine.StatusPassing), string(engine.StatusError), number)
	batch.Puts = append(batch.Puts, p.record(engine.KindService, s.ID, &s),
		p.record(engine.KindSubjectState, ref.Key(), &engine.SubjectState{Subject: ref, Overall: engine.StatusPassing, Old: engine.StatusError, Since: changed}))
	p.write(batch)
}

// check writes a check with all that is known of it, and returns its id.
func (p *past) check(number int) string {
	c := engine.NewCheck()
	c.Meta = p.meta(number)
	c.Name, c.Plugin, c.Config, c.Interval = checkName(number), "quick", form.Values{"n": number + 1}, engine.Duration(5*time.Minute)
	batch := &engine.Batch{ID: c.ID}
	changed := p.changes(batch, "check:"+c.ID, string(engine.CheckPassing), string(engine.CheckFailing), number)
	st := engine.NewCheckState(c.ID, changed)
	st.Status, st.Confirmed, st.PassingSince = engine.CheckPassing, engine.CheckPassing, &changed
	for _, r := range p.raw[number%pastVariants] {
		r.Check = c.ID
		st.Seq = r.Seq
		batch.Results = append(batch.Results, r)
	}
	batch.Puts = append(batch.Puts, p.record(engine.KindCheck, c.ID, &c), p.record(engine.KindCheckState, c.ID, st))
	for _, day := range p.days[number%pastVariants] {
		day.ID = c.ID + day.ID
		batch.Puts = append(batch.Puts, day)
	}
	p.write(batch)
	return c.ID
}

// changes adds the changes of status that outages of ten minutes come to, spread
// over the year, and returns when the last was.
func (p *past) changes(batch *engine.Batch, of, well, ill string, number int) time.Time {
	rng := rand.New(rand.NewPCG(3, uint64(number)))
	last := p.start
	step := time.Duration(p.span) * 24 * time.Hour / pastOutages
	for i := range pastOutages {
		at := p.start.Add(time.Duration(i)*step + time.Duration(rng.Int64N(int64(step-15*time.Minute))))
		for _, t := range []state.Transition{{Of: of, At: at, From: well, To: ill, Active: true}, {Of: of, At: at.Add(10 * time.Minute), From: ill, To: well, Active: true}} {
			r := p.record(engine.KindTransition, of+"/"+idAt(t.At, number), t)
			r.Terms = []string{"of:" + of}
			batch.Puts, last = append(batch.Puts, r), t.At
		}
	}
	return last
}

func (p *past) meta(number int) engine.Meta {
	return engine.Meta{ID: idAt(p.start, number), Revision: 1, Created: p.start, Updated: p.start}
}

func (p *past) record(kind engine.Kind, id string, v any) engine.Record {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // the engine's own types always encode
	}
	r := engine.Record{Kind: kind, ID: id, At: p.start, Data: data}
	if kind == engine.KindCheck || kind == engine.KindService {
		r.Revision, r.Author = 1, "bench"
	}
	return r
}

// idAt is an id as the engine makes them: an instant, and what tells apart those
// of one instant.
func idAt(at time.Time, number int) string {
	var id [20]byte
	state.Encode(id[:10], uint64(at.UnixMilli()))
	state.Encode(id[10:], uint64(number))
	return string(id[:])
}

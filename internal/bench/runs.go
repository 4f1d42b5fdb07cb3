package main

import (
	"fmt"
	"time"

	"moonwatch/internal/programtest"
)

// settle is how long a monitor may find its pace before a window.
const settle = 3 * time.Second

// rates are those that were asked for, or the usual ones of a part.
func (b *bench) rates(usual ...int) []int {
	if asked, _ := parseRates(b.options.rates); len(asked) > 0 { // read before
		return asked
	}
	return usual
}

// measureHTTP holds an HTTP check, durable and all, against the paced floor at the
// same rate: one right after the other, with the other one gone.
func measureHTTP(b *bench) {
	for _, rate := range b.rates(1000, 4000, 10_000, 12_000) {
		label := fmt.Sprintf("%d/s ", rate)
		url := b.target()
		m := b.monitor()
		b.serve(m)
		ids := b.checks(m, rate, "http", "1s", httpConfig(url))
		time.Sleep(settle)
		before := m.Figure("moonwatch_slots_skipped_total")
		w := b.window(m, label)
		s := b.sample(m, ids, &w)
		b.stop(m)
		floor := floor(b, rate, url)

		b.less(label+"ratio to the floor", w.perRun()/floor, "")
		b.less(label+"floor", floor, "ms")
		b.figures(label, &w)
		b.less(label+"slots skipped before", before, "")
		b.punctuality(label, s)
	}
}

// floor is the processor time in milliseconds that a plain client takes for a
// request of the URL when it is paced at a rate.
func floor(b *bench, rate int, url string) float64 {
	client, _ := programtest.StartHelper(b, fmt.Sprintf("pace %d %s", rate, url))
	defer client.Process.Kill()
	time.Sleep(settle)
	from, used := time.Now(), b.cpu(client.Process.Pid)
	time.Sleep(b.options.window())
	used = b.cpu(client.Process.Pid) - used
	return ms(used) / (float64(rate) * time.Since(from).Seconds())
}

// measurePlain has one monitor make checks without I/O at rising rates.
func measurePlain(b *bench) {
	m := b.monitor()
	b.serve(m)
	var ids []string
	for _, rate := range b.rates(10_000, 25_000, 50_000) {
		label := fmt.Sprintf("%d/s ", rate)
		ids = append(ids, b.checks(m, rate-len(ids), "quick", "1s", quickConfig)...)
		time.Sleep(settle)
		w := b.window(m, label)
		s := b.sample(m, ids, &w)
		b.figures(label, &w)
		b.punctuality(label, s)
	}
	b.stop(m)
}

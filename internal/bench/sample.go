package main

import (
	"slices"
	"time"

	"moonwatch/internal/programtest"
)

// sampleSize is of how many checks the results are read.
const sampleSize = 200

// sample is what the results of some checks of a second tell of a window.
type sample struct {
	gaps    []time.Duration // how far two starts in a row were from a second apart, sorted
	results []int           // of each check
	seconds float64
}

// sample reads the results that some checks, spread over all, have of a window.
func (b *bench) sample(m *programtest.Program, ids []string, w *window) *sample {
	s := &sample{seconds: w.seconds()}
	failed, why := 0, ""
	for i := 0; i < len(ids); i += max(len(ids)/sampleSize, 1) {
		list := slices.DeleteFunc(m.Results(ids[i], w.from), func(r programtest.ResultView) bool { return r.Started.After(w.to) })
		for k := range len(list) - 1 {
			s.gaps = append(s.gaps, (list[k].Started.Sub(list[k+1].Started) - time.Second).Abs())
		}
		for _, r := range list {
			if !r.Succeeded {
				failed, why = failed+1, r.Error
			}
		}
		s.results = append(s.results, len(list))
	}
	if failed > 0 {
		b.Errorf("%d runs of the sample failed, the last with %q", failed, why)
	}
	slices.Sort(s.gaps)
	return s
}

// perSlot is how many results there are for each slot.
func (s *sample) perSlot() float64 {
	sum := 0
	for _, n := range s.results {
		sum += n
	}
	return float64(sum) / float64(len(s.results)) / s.seconds
}

// unevenness is how many slots the check that lost most lost, in ratio to the mean;
// 0 when none was lost.
func (s *sample) unevenness() float64 {
	most, sum := 0.0, 0.0
	for _, n := range s.results {
		lost := max(s.seconds-float64(n)-1, 0) // a window may begin and end between two slots
		most, sum = max(most, lost), sum+lost
	}
	if sum == 0 {
		return 0
	}
	return most / (sum / float64(len(s.results)))
}

// punctuality records what a sample tells.
func (b *bench) punctuality(label string, s *sample) {
	b.more(label+"results a slot", s.perSlot(), "")
	b.spread(label+"gap minus interval", s.gaps)
}

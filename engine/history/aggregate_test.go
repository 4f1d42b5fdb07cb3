package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
)

// TestSketchErrorBound compares quantiles with the true ones, over shapes of
// runs that checks have.
func TestSketchErrorBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"uniform":     func() float64 { return rng.Float64() },
		"long tail":   func() float64 { return math.Exp(3*rng.NormFloat64() - 5) },
		"two humps":   func() float64 { return []float64{0.002, 30}[rng.IntN(2)] * (1 + rng.Float64()/10) },
		"one value":   func() float64 { return 0.25 },
		"microscopic": func() float64 { return 1e-6 * float64(1+rng.IntN(9)) },
	} {
		for _, n := range []int{1, 2, 60, 5000} {
			var whole, left, right sketch
			values := make([]float64, n)
			for i := range values {
				values[i] = draw()
				whole.add(values[i])
				[]*sketch{&left, &right}[i%2].add(values[i])
			}
			slices.Sort(values)
			left.merge(&right)
			for _, q := range []float64{0, 0.01, 0.5, 0.95, 0.99, 1} {
				want := values[max(int(math.Ceil(q*float64(n))), 1)-1]
				got := whole.quantile(q)
				if math.Abs(got-want) > want*(sketchError+1e-9) {
					t.Errorf("%s, %d values: p%g is %g, want %g within 2 %%", name, n, 100*q, got, want)
				}
				if merged := left.quantile(q); merged != got {
					t.Errorf("%s, %d values: p%g of the parts is %g, of the whole %g", name, n, 100*q, merged, got)
				}
			}
		}
	}
	if sketchError > 0.02 {
		t.Errorf("the bound is %g, promised are 2 %%", sketchError)
	}
}

func TestSketchEnds(t *testing.T) {
	var s sketch
	if got := s.quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %g", got)
	}
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(1), 1e300} {
		s.add(v)
	}
	if s.total() != 4 || s.quantile(0.5) != 0 || len(s.counts) > 2000 {
		t.Errorf("total %d, median %g, %d buckets", s.total(), s.quantile(0.5), len(s.counts))
	}
}

func randomAggregate(rng *rand.Rand, results int) *aggregate {
	s := newAggregate()
	for i := range results {
		r := &engine.Result{Took: math.Round(1e6*math.Exp(rng.NormFloat64()-4)) / 1e6, Succeeded: i%7 != 0, Unknown: i%11 == 0}
		r.Metrics = []engine.Metric{{Name: "bytes", Value: float64(rng.IntN(1e9)), Unit: "B"}, {Name: "load", Value: rng.NormFloat64() * 1e-7},
			{Name: "nan", Value: math.NaN()}, {Name: fmt.Sprintf("m%d", i%3), Value: -3.25, Unit: "s"}}
		s.add(r)
	}
	s.unknownTime, s.maintenance = time.Duration(rng.IntN(3600))*time.Second, time.Duration(rng.IntN(3600))*time.Millisecond
	return s
}

func TestDayRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, hours := range [][]int{nil, {0}, {23}, {0, 5, 23}} {
		d := new(aggregateDay)
		for _, h := range hours {
			d.hours[h] = randomAggregate(rng, 1+rng.IntN(100))
		}
		data := d.encode()
		back, err := decodeDay(data)
		if err != nil {
			t.Fatalf("hours %v: %v", hours, err)
		}
		for h := range d.hours {
			if d.hours[h] != nil {
				d.hours[h].metrics["load"].sum, back.hours[h].metrics["load"].sum = 0, 0 // compared by TestAppendFloat
				d.hours[h].took.sum, back.hours[h].took.sum = 0, 0
			}
			if !reflect.DeepEqual(trimmed(d.hours[h]), trimmed(back.hours[h])) {
				t.Errorf("hour %d: got %+v, want %+v", h, back.hours[h], d.hours[h])
			}
		}
		for n := range data { // what is cut off is found out, and nothing panics
			if _, err := decodeDay(data[:n]); err == nil {
				t.Errorf("hours %v: %d of %d bytes are taken for a day", hours, n, len(data))
			}
		}
		for range 500 {
			damaged := slices.Clone(data)
			damaged[rng.IntN(len(damaged))] ^= byte(1 << rng.IntN(8))
			_, _ = decodeDay(damaged)
		}
	}
}

// trimmed lets sketches be compared: room at their ends counts nothing.
func trimmed(s *aggregate) *aggregate {
	if s != nil {
		for len(s.tooks.counts) > 0 && s.tooks.counts[len(s.tooks.counts)-1] == 0 {
			s.tooks.counts = s.tooks.counts[:len(s.tooks.counts)-1]
		}
	}
	return s
}

func TestAppendFloat(t *testing.T) {
	for _, v := range []float64{0, 1, -1, 0.002134, 1e-6, 1.5e9, 1e15, 1e300, -1e-9, 1.0 / 3, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		in := aggregateReader{binenc.NewReader(appendFloat(nil, v))}
		if got := in.float(); in.End() != nil || math.Abs(got-v) > 1e-12*math.Abs(v) {
			t.Errorf("%g comes back as %g", v, got)
		}
	}
	if n := len(appendFloat(nil, 0.002134)); n > 4 {
		t.Errorf("a measured time takes %d bytes", n)
	}
}

// TestDayIsSmall holds the size that two years of hours are to have.
func TestDayIsSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	d := new(aggregateDay)
	for h := range d.hours {
		d.hours[h] = newAggregate()
		for range 60 {
			took := math.Round(2000*math.Exp(0.2*rng.NormFloat64())) / 1e6
			r := engine.Result{Took: took, Succeeded: true}
			for _, name := range []string{"total", "first_byte", "dns", "connect", "tls"} {
				r.Metrics = append(r.Metrics, engine.Metric{Name: name, Unit: "s", Value: took})
			}
			d.hours[h].add(&r)
		}
	}
	if n := len(d.encode()); n > 24*160 {
		t.Errorf("a day of an http check takes %d bytes, want 160 an hour at most", n)
	}
}

func TestAggregateBoundsMetrics(t *testing.T) {
	s := newAggregate()
	r := &engine.Result{Succeeded: true, Metrics: []engine.Metric{{Name: string(make([]byte, maxMetricName+1)), Value: 1}}}
	for i := range 3 * maxMetrics {
		r.Metrics = append(r.Metrics, engine.Metric{Name: fmt.Sprint(i), Value: 1})
	}
	s.add(r)
	if len(s.metrics) != maxMetrics {
		t.Errorf("%d metrics, want %d", len(s.metrics), maxMetrics)
	}
}

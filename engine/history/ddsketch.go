package history

import (
	"math"
	"slices"
)

// sketch counts values in buckets whose bounds grow by a constant factor, so
// that quantiles come out within sketchError of the true ones, relatively, and
// sketches of parts add up exactly to the sketch of the whole.
type sketch struct {
	low    uint64   // values below minSketch
	base   int      // the bucket that counts[0] counts
	counts []uint64 // of adjacent buckets
}

const (
	sketchGrowth = 1.04                                    // from one bucket's bound to the next
	logGrowth    = 0.03922071315328133                     // its natural logarithm
	sketchError  = (sketchGrowth - 1) / (sketchGrowth + 1) // 1.96 %
	minSketch    = 1e-9
	maxSketch    = 1e12 // what lies above counts as this
)

// add counts a value; one that is not a number is left out.
func (s *sketch) add(v float64) {
	switch {
	case math.IsNaN(v):
	case v < minSketch:
		s.low++
	default:
		s.bump(int(math.Ceil(math.Log(min(v, maxSketch))/logGrowth)), 1)
	}
}

// bump adds n to a bucket.
func (s *sketch) bump(bucket int, n uint64) {
	switch {
	case len(s.counts) == 0:
		s.base, s.counts = bucket, append(s.counts, 0)
	case bucket < s.base:
		s.counts = slices.Insert(s.counts, 0, make([]uint64, s.base-bucket)...)
		s.base = bucket
	case bucket >= s.base+len(s.counts):
		s.counts = append(s.counts, make([]uint64, bucket-s.base-len(s.counts)+1)...)
	}
	s.counts[bucket-s.base] += n
}

// merge adds what o counted.
func (s *sketch) merge(o *sketch) {
	s.low += o.low
	for i, n := range o.counts {
		if n > 0 {
			s.bump(o.base+i, n)
		}
	}
}

// total is the number of values counted.
func (s *sketch) total() uint64 {
	n := s.low
	for _, c := range s.counts {
		n += c
	}
	return n
}

// quantile returns the value at rank q (0 to 1) of those counted; 0 without any.
func (s *sketch) quantile(q float64) float64 {
	total := s.total()
	if total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(total)))
	rank = min(max(rank, 1), total)
	if rank <= s.low {
		return 0
	}
	seen := s.low
	for i, n := range s.counts {
		if seen += n; seen >= rank {
			return 2 * math.Pow(sketchGrowth, float64(s.base+i)) / (sketchGrowth + 1)
		}
	}
	return 0
}

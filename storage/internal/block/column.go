package block

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"moonwatch/internal/binenc"
)

// reader takes values off a slice, and columns of them. After the first failure it
// holds an error and every value is zero.
type reader struct{ binenc.Reader }

func newReader(b []byte) reader { return reader{binenc.NewReader(b)} }

// appendAround writes numbers that lie around one value: their median, then the
// distance of each from it.
func appendAround(b []byte, values []int64) []byte {
	if len(values) == 0 {
		return b
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	middle := sorted[len(sorted)/2]
	b = binary.AppendVarint(b, middle)
	for _, v := range values {
		b = binary.AppendVarint(b, v-middle) // wraps around on overflow, and back when read
	}
	return b
}

func (r *reader) around(n int) []int64 {
	if n == 0 {
		return nil
	}
	middle := r.Varint()
	if n > len(r.Rest()) {
		r.Fail()
		return make([]int64, n)
	}
	values := make([]int64, n)
	for i := range values {
		values[i] = middle + r.Varint()
	}
	return values
}

// appendRuns writes numbers that repeat: pairs of a number and its repetitions.
func appendRuns(b []byte, values []uint64) []byte {
	for i := 0; i < len(values); {
		j := i + 1
		for j < len(values) && values[j] == values[i] {
			j++
		}
		b = binary.AppendUvarint(b, values[i])
		b = binary.AppendUvarint(b, uint64(j-i))
		i = j
	}
	return b
}

// runs reads n numbers, each below limit.
func (r *reader) runs(n int, limit uint64) []uint64 {
	values := make([]uint64, 0, n)
	for len(values) < n {
		v, times := r.Uvarint(), r.Uvarint()
		if v >= limit || times == 0 || times > uint64(n-len(values)) {
			r.Fail()
			return make([]uint64, n)
		}
		for range times {
			values = append(values, v)
		}
	}
	return values
}

// appendFloat writes v against the one before it: equal numbers and round ones are short.
func appendFloat(b []byte, v float64, before *uint64) []byte {
	now := math.Float64bits(v)
	b = binary.AppendUvarint(b, bits.ReverseBytes64(now^*before))
	*before = now
	return b
}

func (r *reader) floatAfter(before *uint64) float64 {
	*before ^= bits.ReverseBytes64(r.Uvarint())
	return math.Float64frombits(*before)
}

// words numbers the distinct texts of a block in order of appearance.
type words struct {
	list   []string
	number map[string]uint64
}

func (w *words) add(s string) uint64 {
	if n, ok := w.number[s]; ok {
		return n
	}
	if w.number == nil {
		w.number = map[string]uint64{}
	}
	n := uint64(len(w.list))
	w.list = append(w.list, s)
	w.number[s] = n
	return n
}

func (w *words) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(w.list)))
	for _, s := range w.list {
		b = binenc.AppendText(b, s)
	}
	return b
}

func (r *reader) words() []string {
	list := make([]string, r.Count())
	for i := range list {
		list[i] = r.Text()
	}
	return list
}

// word reads a number of a word.
func (r *reader) word(list []string) string {
	n := r.Uvarint()
	if n >= uint64(len(list)) {
		r.Fail()
		return ""
	}
	return list[n]
}

package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
)

// aggregateDay holds the hours of one check and one day of UTC; the aggregate of the day is
// what its hours come to. It is one record, so that two years of them stay small.
type aggregateDay struct {
	hours [24]*aggregate // nil: nothing happened
}

const dayFormat = 1

const day = 24 * time.Hour

var errDay = errors.New("the aggregates of a day are damaged")

// dayID is the id of the record that holds the day of at.
func dayID(check string, at time.Time) string {
	return check + "/" + at.UTC().Format("20060102")
}

// dayOf is the reverse of dayID.
func dayOf(id string) (check string, at time.Time, ok bool) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return "", time.Time{}, false
	}
	at, err := time.Parse("20060102", id[i+1:])
	return id[:i], at, err == nil
}

// encode writes the day in a compact form: the metrics' names once, then the
// hours that hold something.
func (d *aggregateDay) encode() []byte {
	names := map[string]string{} // name → unit
	for _, s := range d.hours {
		if s != nil {
			for name, m := range s.metrics {
				names[name] = m.unit
			}
		}
	}
	order := slices.Sorted(maps.Keys(names))
	b := binary.AppendUvarint([]byte{dayFormat}, uint64(len(order)))
	index := make(map[string]uint64, len(order))
	for i, name := range order {
		index[name] = uint64(i)
		b = binenc.AppendText(binenc.AppendText(b, name), names[name])
	}
	present := uint64(0)
	for h, s := range d.hours {
		if s != nil {
			present |= 1 << h
		}
	}
	b = binary.AppendUvarint(b, present)
	for _, s := range d.hours {
		if s != nil {
			b = s.append(b, order, index)
		}
	}
	return b
}

func (s *aggregate) append(b []byte, order []string, index map[string]uint64) []byte {
	for _, n := range []uint64{s.count, s.failures, s.unknown, uint64(s.unknownTime.Milliseconds()), uint64(s.maintenance.Milliseconds())} {
		b = binary.AppendUvarint(b, n)
	}
	b = s.tooks.append(s.took.append(b))
	b = binary.AppendUvarint(b, uint64(len(s.metrics)))
	for _, name := range order {
		if m := s.metrics[name]; m != nil {
			b = m.numbers.append(binary.AppendUvarint(b, index[name]))
		}
	}
	return b
}

func (n *numbers) append(b []byte) []byte {
	b = binary.AppendUvarint(b, n.count)
	if n.count == 0 {
		return b
	}
	return appendFloat(appendFloat(appendFloat(b, n.min), n.max), n.sum)
}

func (s *sketch) append(b []byte) []byte {
	used := 0
	for _, n := range s.counts {
		if n > 0 {
			used++
		}
	}
	b = binary.AppendUvarint(b, s.low)
	b = binary.AppendUvarint(b, uint64(used))
	last := 0
	for i, n := range s.counts {
		if n > 0 {
			b = binary.AppendVarint(b, int64(s.base+i-last))
			b = binary.AppendUvarint(b, n)
			last = s.base + i
		}
	}
	return b
}

// appendFloat writes a number that is a multiple of a millionth, as measured
// times are, in a few bytes: shifted left and marked by bit 0; others whole.
func appendFloat(b []byte, v float64) []byte {
	if n := math.Round(v * 1e6); math.Abs(n) < 1<<53 && math.Abs(n/1e6-v) <= 1e-12*math.Abs(v) {
		return binary.AppendVarint(append(b, 1), int64(n))
	}
	return binenc.AppendFloat(append(b, 0), v)
}

// decodeDay reads what encode wrote.
func decodeDay(b []byte) (*aggregateDay, error) {
	in := aggregateReader{binenc.NewReader(b)}
	if in.Byte() != dayFormat {
		return nil, errDay
	}
	names := make([]metricName, in.Count())
	for i := range names {
		names[i] = metricName{in.Text(), in.Text()}
	}
	d := new(aggregateDay)
	present := in.Uvarint()
	for h := range d.hours {
		if present&(1<<h) != 0 {
			d.hours[h] = in.aggregate(names)
		}
	}
	if in.End() != nil || present >= 1<<24 {
		return nil, errDay
	}
	return d, nil
}

type metricName struct{ name, unit string }

// aggregateReader reads values until something is damaged; then it reads zeros.
type aggregateReader struct{ binenc.Reader }

// float reads what appendFloat wrote.
func (in *aggregateReader) float() float64 {
	if in.Byte() == 1 {
		return float64(in.Varint()) / 1e6
	}
	return in.Float()
}

func (in *aggregateReader) numbers() numbers {
	n := numbers{count: in.Uvarint()}
	if n.count > 0 {
		n.min, n.max, n.sum = in.float(), in.float(), in.float()
	}
	return n
}

func (in *aggregateReader) sketch() sketch {
	s := sketch{low: in.Uvarint()}
	bucket := int64(0)
	for range in.Count() {
		bucket += in.Varint()
		if bucket < -10_000 || bucket > 10_000 {
			in.Fail()
			break
		}
		s.bump(int(bucket), in.Uvarint())
	}
	return s
}

func (in *aggregateReader) aggregate(names []metricName) *aggregate {
	s := newAggregate()
	s.count, s.failures, s.unknown = in.Uvarint(), in.Uvarint(), in.Uvarint()
	s.unknownTime = time.Duration(in.Uvarint()) * time.Millisecond
	s.maintenance = time.Duration(in.Uvarint()) * time.Millisecond
	s.took, s.tooks = in.numbers(), in.sketch()
	for range in.Count() {
		i := in.Uvarint()
		if i >= uint64(len(names)) {
			in.Fail()
			break
		}
		s.metrics[names[i].name] = &metricAggregate{names[i].unit, in.numbers()}
	}
	return s
}

// readDay decodes a record of aggregates.
func readDay(r engine.Record) (*aggregateDay, error) {
	d, err := decodeDay(r.Data)
	if err != nil {
		return nil, fmt.Errorf("read aggregates %s: %w", r.ID, err)
	}
	return d, nil
}

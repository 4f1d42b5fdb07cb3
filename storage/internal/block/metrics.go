package block

import (
	"encoding/binary"

	"moonwatch/engine"
)

// encodeMetrics writes the metrics of a block: the distinct shapes (names, units
// and which bounds there are), the shape of each result that has metrics, and
// the numbers, each against the one in the same place of the last result of its
// shape.
func encodeMetrics(results []engine.Result, dictionary *words) []byte {
	var shapes words
	var column []uint64
	var values []byte
	before := map[uint64][]uint64{}
	for i := range results {
		metrics := results[i].Metrics
		if len(metrics) == 0 {
			continue
		}
		shape := shapes.add(string(shapeOf(metrics, dictionary)))
		column = append(column, shape)
		if before[shape] == nil {
			before[shape] = make([]uint64, 5*len(metrics))
		}
		for j := range metrics {
			last := before[shape][5*j : 5*j+5]
			values = appendFloat(values, metrics[j].Value, &last[0])
			for at, bound := range bounds(&metrics[j]) {
				if *bound != nil {
					values = appendFloat(values, **bound, &last[at+1])
				}
			}
		}
	}
	b := binary.AppendUvarint(nil, uint64(len(shapes.list)))
	for _, shape := range shapes.list {
		b = append(b, shape...)
	}
	return append(appendRuns(b, column), values...)
}

// shapeOf is the number of metrics, and for each its words and flags.
func shapeOf(metrics []engine.Metric, dictionary *words) []byte {
	b := binary.AppendUvarint(nil, uint64(len(metrics)))
	for i := range metrics {
		m := &metrics[i]
		b = binary.AppendUvarint(b, dictionary.add(m.Name))
		b = binary.AppendUvarint(b, dictionary.add(m.Unit))
		b = append(b, metricFlags(m))
	}
	return b
}

// shape is what the metrics of several results have in common.
type shape struct {
	metrics []engine.Metric // names and units alone
	flags   []byte
	before  []uint64
}

func (r *reader) shape(dictionary []string) shape {
	n := r.Count()
	if n > engine.MaxResultList {
		r.Fail()
		n = 0
	}
	s := shape{metrics: make([]engine.Metric, n), flags: make([]byte, n), before: make([]uint64, 5*n)}
	for i := range n {
		s.metrics[i].Name, s.metrics[i].Unit = r.word(dictionary), r.word(dictionary)
		s.flags[i] = r.Byte()
		if s.flags[i] >= metricFlagsEnd {
			r.Fail()
		}
	}
	return s
}

func readMetricColumn(in *reader, results []engine.Result, at []int, dictionary []string) {
	shapes := make([]shape, in.Count())
	for i := range shapes {
		shapes[i] = in.shape(dictionary)
		if in.Err() != nil {
			return
		}
	}
	column := in.runs(len(at), uint64(len(shapes)))
	for i, number := range column {
		if in.Err() != nil {
			return
		}
		s := &shapes[number]
		if len(s.metrics) > len(in.Rest()) { // each value is a byte at least
			in.Fail()
			return
		}
		results[at[i]].Metrics = s.read(in)
	}
}

// read returns the metrics of the next result of this shape.
func (s *shape) read(in *reader) []engine.Metric {
	metrics := append([]engine.Metric(nil), s.metrics...)
	for j := range metrics {
		last := s.before[5*j : 5*j+5]
		metrics[j].Value = in.floatAfter(&last[0])
		for b, bound := range bounds(&metrics[j]) {
			if s.flags[j]&(1<<b) != 0 {
				v := in.floatAfter(&last[b+1])
				*bound = &v
			}
		}
	}
	return metrics
}

// encodeLines writes the log lines of a block, result by result.
func encodeLines(results []engine.Result, dictionary *words) []byte {
	var b []byte
	for i := range results {
		r := &results[i]
		if len(r.Log) == 0 {
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(r.Log)))
		for j := range r.Log {
			b = binary.AppendVarint(b, r.Log[j].At.UnixMicro()-int64(r.Seq))
			b = binary.AppendUvarint(b, dictionary.add(r.Log[j].Level))
			b = binary.AppendUvarint(b, dictionary.add(r.Log[j].Message))
		}
	}
	return b
}

func readLines(in *reader, results []engine.Result, at []int, dictionary []string) {
	for _, i := range at {
		n := in.Count()
		if n > engine.MaxResultList {
			in.Fail()
		}
		if in.Err() != nil {
			return
		}
		lines := make([]engine.LogLine, n)
		for j := range lines {
			lines[j] = engine.LogLine{At: startedAt(results[i].Seq, in.Varint()), Level: in.word(dictionary), Message: in.word(dictionary)}
		}
		results[i].Log = lines
	}
}

package block

import (
	"encoding/binary"
	"math"
	"time"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
)

// The flags of a result say which parts follow. Rows and blocks share them.
const (
	hasSucceeded = 1 << iota
	hasUnknown
	hasStarted // started is not the time that the sequence says
	hasVersion
	hasCause
	hasSeverity
	hasError
	hasMessage
	hasRawData
	hasTraceback
	hasMetrics
	hasLog
	flagsEnd
)

// The flags of a metric.
const (
	hasWarn = 1 << iota
	hasFail
	hasMin
	hasMax
	metricFlagsEnd
)

func flagsOf(r *engine.Result) uint64 {
	var f uint64
	set := func(flag uint64, on bool) {
		if on {
			f |= flag
		}
	}
	set(hasSucceeded, r.Succeeded)
	set(hasUnknown, r.Unknown)
	set(hasStarted, startedOffset(r) != 0)
	set(hasVersion, r.PluginVersion != "")
	set(hasCause, r.Cause != "")
	set(hasSeverity, r.Severity != "")
	set(hasError, r.Error != "")
	set(hasMessage, r.Message != "")
	set(hasRawData, r.RawData != "")
	set(hasTraceback, r.Traceback != "")
	set(hasMetrics, len(r.Metrics) > 0)
	set(hasLog, len(r.Log) > 0)
	return f
}

// startedOffset is the start in microseconds after the time of the sequence.
func startedOffset(r *engine.Result) int64 { return r.Started.UnixMicro() - int64(r.Seq) }

func startedAt(seq uint64, offset int64) time.Time {
	return time.UnixMicro(int64(seq) + offset).UTC()
}

// tookMicros is the duration in whole microseconds; what is no number is 0.
func tookMicros(r *engine.Result) int64 {
	us := math.Round(r.Took * 1e6)
	if math.IsNaN(us) || math.Abs(us) > 1e18 {
		return 0
	}
	return int64(us)
}

// EncodeRow is what lies under a row's key: everything but check and sequence.
func EncodeRow(r *engine.Result) []byte {
	flags := flagsOf(r)
	b := make([]byte, 0, 32+len(r.Error)+len(r.Message)+len(r.RawData)+len(r.Traceback))
	b = binary.AppendUvarint(b, flags)
	b = binary.AppendVarint(b, tookMicros(r))
	if flags&hasStarted != 0 {
		b = binary.AppendVarint(b, startedOffset(r))
	}
	for _, text := range []string{r.PluginVersion, string(r.Cause), string(r.Severity), r.Error, r.Message, r.RawData, r.Traceback} {
		if text != "" {
			b = binenc.AppendText(b, text)
		}
	}
	if flags&hasMetrics != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Metrics)))
		for i := range r.Metrics {
			b = appendMetric(b, &r.Metrics[i])
		}
	}
	if flags&hasLog != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Log)))
		for i := range r.Log {
			line := &r.Log[i]
			b = binary.AppendVarint(b, line.At.UnixMicro()-int64(r.Seq))
			b = binenc.AppendText(binenc.AppendText(b, line.Level), line.Message)
		}
	}
	return b
}

func appendMetric(b []byte, m *engine.Metric) []byte {
	b = binenc.AppendText(binenc.AppendText(b, m.Name), m.Unit)
	b = append(b, metricFlags(m))
	b = binenc.AppendFloat(b, m.Value)
	for _, bound := range bounds(m) {
		if *bound != nil {
			b = binenc.AppendFloat(b, **bound)
		}
	}
	return b
}

// bounds are the places of m's bounds, in the order of their flags.
func bounds(m *engine.Metric) [4]**float64 { return [4]**float64{&m.Warn, &m.Fail, &m.Min, &m.Max} }

func metricFlags(m *engine.Metric) byte {
	var f byte
	for i, bound := range bounds(m) {
		if *bound != nil {
			f |= 1 << i
		}
	}
	return f
}

// DecodeRow is the reverse of EncodeRow. The result shares nothing with b.
func DecodeRow(check string, seq uint64, b []byte) (engine.Result, error) {
	in := newReader(b)
	flags := in.Uvarint()
	if flags >= flagsEnd {
		in.Fail()
	}
	r := engine.Result{Check: check, Seq: seq, Succeeded: flags&hasSucceeded != 0, Unknown: flags&hasUnknown != 0}
	r.Took = float64(in.Varint()) / 1e6
	var offset int64
	if flags&hasStarted != 0 {
		offset = in.Varint()
	}
	r.Started = startedAt(seq, offset)
	text := func(flag uint64) string {
		if flags&flag == 0 {
			return ""
		}
		return in.Text()
	}
	r.PluginVersion = text(hasVersion)
	r.Cause = engine.Cause(text(hasCause))
	r.Severity = engine.Status(text(hasSeverity))
	r.Error, r.Message, r.RawData, r.Traceback = text(hasError), text(hasMessage), text(hasRawData), text(hasTraceback)
	if flags&hasMetrics != 0 {
		r.Metrics = readMetrics(&in)
	}
	if flags&hasLog != 0 {
		r.Log = readLog(&in, seq)
	}
	if err := in.End(); err != nil {
		return engine.Result{}, err
	}
	return r, nil
}

func readMetrics(in *reader) []engine.Metric {
	n := in.Count()
	if n > engine.MaxResultList {
		in.Fail()
		return nil
	}
	metrics := make([]engine.Metric, n)
	for i := range metrics {
		m := &metrics[i]
		m.Name, m.Unit = in.Text(), in.Text()
		flags := in.Byte()
		if flags >= metricFlagsEnd {
			in.Fail()
		}
		m.Value = in.Float()
		for at, bound := range bounds(m) {
			if flags&(1<<at) != 0 {
				v := in.Float()
				*bound = &v
			}
		}
	}
	return metrics
}

func readLog(in *reader, seq uint64) []engine.LogLine {
	n := in.Count()
	if n > engine.MaxResultList {
		in.Fail()
		return nil
	}
	lines := make([]engine.LogLine, n)
	for i := range lines {
		lines[i] = engine.LogLine{At: startedAt(seq, in.Varint()), Level: in.Text(), Message: in.Text()}
	}
	return lines
}

package block

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
)

// A block holds many results of one check as columns. It begins with a head
// that can be read alone:
//
//	format (plain or zstd) · count · first sequence · last minus first
//
// and goes on with the body, compressed when that is shorter:
//
//	words               the distinct texts of the block
//	sequences           the gaps, around their median
//	took                microseconds, around their median
//	flags               in runs
//	started             offsets, of those results that have one
//	texts               one column of word numbers in runs for each kind of text
//	metrics             shapes, the shape of each result in runs, the values by XOR
//	log lines           one after the other
//
// Nothing is lost but what rows lose too: times below the microsecond.
const (
	formatPlain = 1
	formatZstd  = 2

	maxBody       = 16 << 20 // bytes of a body before compression, when reading
	minCompressed = 64       // shorter bodies are left as they are
)

// Head is what a block says of itself before its body, which stays unread.
type Head struct {
	format byte
	Count  int    // of results, 1 to MaxCount
	first  uint64 // sequence number
	Last   uint64 // sequence number
}

// ReadHead reads the head of a block alone. The error is binenc.ErrDamaged.
func ReadHead(b []byte) (Head, error) {
	in := newReader(b)
	head := readHead(&in)
	return head, in.Err()
}

func readHead(in *reader) Head {
	h := Head{format: in.Byte()}
	count, first, span := in.Uvarint(), in.Uvarint(), in.Uvarint()
	h.Count, h.first, h.Last = int(count), first, first+span
	if h.format != formatPlain && h.format != formatZstd || count == 0 || count > MaxCount || h.Last < first {
		in.Fail()
	}
	return h
}

// MaxCount is how many results one block holds at most.
const MaxCount = 1024

// Codec encodes and decodes blocks; who makes one closes it. It is safe for concurrent use.
type Codec struct {
	pack   *zstd.Encoder
	unpack *zstd.Decoder
}

// NewCodec returns a codec whose memory is small when it is idle.
func NewCodec() (*Codec, error) {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(256<<10), zstd.WithEncoderCRC(true), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("prepare decompression: %w", err)
	}
	return &Codec{pack, unpack}, nil
}

// Close frees what the codec holds. Nothing may use it any more.
func (c *Codec) Close() {
	c.pack.Close()
	c.unpack.Close()
}

// Encode makes a block of 1 to MaxCount results of one check, their
// sequences rising.
func (c *Codec) Encode(results []engine.Result) []byte {
	first, last := results[0].Seq, results[len(results)-1].Seq
	b := []byte{formatPlain}
	b = binary.AppendUvarint(b, uint64(len(results)))
	b = binary.AppendUvarint(b, first)
	b = binary.AppendUvarint(b, last-first)
	body := encodeBody(results)
	if len(body) >= minCompressed {
		if packed := c.pack.EncodeAll(body, nil); len(packed) < len(body) {
			b[0], body = formatZstd, packed
		}
	}
	return append(b, body...)
}

// Decode returns the results of a block of a check, their sequences rising. The
// error is binenc.ErrDamaged, also for what decodes to something impossible.
func (c *Codec) Decode(check string, b []byte) ([]engine.Result, error) {
	in := newReader(b)
	head := readHead(&in)
	if in.Err() != nil {
		return nil, in.Err()
	}
	body := in.Rest()
	if head.format == formatZstd {
		var err error
		if body, err = c.unpack.DecodeAll(body, nil); err != nil {
			return nil, fmt.Errorf("%w: %v", binenc.ErrDamaged, err)
		}
	}
	return decodeBody(check, head, body)
}

// textColumns are the texts of a result, each under its flag.
func textColumns(r *engine.Result) [7]string {
	return [7]string{r.PluginVersion, string(r.Cause), string(r.Severity), r.Error, r.Message, r.RawData, r.Traceback}
}

func setTextColumn(r *engine.Result, column int, s string) {
	switch column {
	case 0:
		r.PluginVersion = s
	case 1:
		r.Cause = engine.Cause(s)
	case 2:
		r.Severity = engine.Status(s)
	case 3:
		r.Error = s
	case 4:
		r.Message = s
	case 5:
		r.RawData = s
	case 6:
		r.Traceback = s
	}
}

func encodeBody(results []engine.Result) []byte {
	var dictionary words
	n := len(results)
	gaps, took, flags := make([]int64, n-1), make([]int64, n), make([]uint64, n)
	var started []int64
	var texts [7][]uint64
	for i := range results {
		r := &results[i]
		if i > 0 {
			gaps[i-1] = int64(r.Seq - results[i-1].Seq)
		}
		took[i], flags[i] = tookMicros(r), flagsOf(r)
		if flags[i]&hasStarted != 0 {
			started = append(started, startedOffset(r))
		}
		for column, s := range textColumns(r) {
			if s != "" {
				texts[column] = append(texts[column], dictionary.add(s))
			}
		}
	}
	metrics := encodeMetrics(results, &dictionary)
	lines := encodeLines(results, &dictionary)

	b := dictionary.append(nil)
	b = appendAround(b, gaps)
	b = appendAround(b, took)
	b = appendRuns(b, flags)
	b = appendAround(b, started)
	for _, column := range texts {
		b = appendRuns(b, column)
	}
	b = append(b, metrics...)
	return append(b, lines...)
}

func decodeBody(check string, head Head, body []byte) ([]engine.Result, error) {
	in := newReader(body)
	dictionary := in.words()
	gaps, took := in.around(head.Count-1), in.around(head.Count)
	flags := in.runs(head.Count, flagsEnd)
	if in.Err() != nil {
		return nil, in.Err()
	}
	results := make([]engine.Result, head.Count)
	seq := head.first
	for i := range results {
		if i > 0 {
			next := seq + uint64(gaps[i-1]) // a gap over 2^63 wraps around, and back here
			if next <= seq {
				return nil, binenc.ErrDamaged
			}
			seq = next
		}
		results[i] = engine.Result{Check: check, Seq: seq, Took: float64(took[i]) / 1e6,
			Succeeded: flags[i]&hasSucceeded != 0, Unknown: flags[i]&hasUnknown != 0}
	}
	if seq != head.Last {
		return nil, binenc.ErrDamaged
	}
	readStarted(&in, results, flags)
	for column := range 7 {
		at := having(flags, hasVersion<<column)
		for i, word := range in.runs(len(at), uint64(len(dictionary))) {
			if in.Err() == nil {
				setTextColumn(&results[at[i]], column, dictionary[word])
			}
		}
	}
	readMetricColumn(&in, results, having(flags, hasMetrics), dictionary)
	readLines(&in, results, having(flags, hasLog), dictionary)
	if err := in.End(); err != nil {
		return nil, err
	}
	return results, nil
}

func readStarted(in *reader, results []engine.Result, flags []uint64) {
	at := having(flags, hasStarted)
	offsets := in.around(len(at))
	for i := range results {
		var offset int64
		if len(at) > 0 && at[0] == i {
			offset, offsets, at = offsets[0], offsets[1:], at[1:]
		}
		results[i].Started = startedAt(results[i].Seq, offset)
	}
}

// having are the indexes of the flags that hold flag.
func having(flags []uint64, flag uint64) []int {
	var at []int
	for i, f := range flags {
		if f&flag != 0 {
			at = append(at, i)
		}
	}
	return at
}

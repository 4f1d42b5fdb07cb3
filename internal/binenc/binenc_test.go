package binenc

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// TestReader reads back what was written, and any part of it as damage.
func TestReader(t *testing.T) {
	at := time.Date(1969, 7, 20, 20, 17, 40, 999_999_999, time.FixedZone("", 3600))
	b := AppendText(nil, "übung")
	b = binary.AppendUvarint(b, math.MaxUint64)
	b = binary.AppendVarint(b, math.MinInt64)
	b = AppendFloat(b, -0.1)
	b = AppendTime(b, at)
	b = binary.AppendUvarint(b, 2)
	b = append(b, 7, 8)
	read := func(b []byte) (ok bool, err error) {
		r := NewReader(b)
		ok = r.Text() == "übung" && r.Uvarint() == math.MaxUint64 && r.Varint() == math.MinInt64 && r.Float() == -0.1 &&
			r.Time().Equal(at) && r.Count() == 2 && r.Byte() == 7 && r.Byte() == 8
		return ok, r.End()
	}
	if ok, err := read(b); !ok || err != nil {
		t.Errorf("the whole reads wrong: %v, %v", ok, err)
	}
	for n := range b {
		if _, err := read(b[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := read(append(b, 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte too many: %v", err)
	}
}

// TestReaderAfterDamage holds that nothing is read, nor allocated, after a value
// that cannot be there.
func TestReaderAfterDamage(t *testing.T) {
	for name, read := range map[string]func(*Reader){
		"a long text": func(r *Reader) { r.Text() },
		"many things": func(r *Reader) { r.Count() },
		"too many":    func(r *Reader) { r.Bytes(1 << 62) },
		"a complaint": func(r *Reader) { r.Fail() },
	} {
		r := NewReader(append(binary.AppendUvarint(nil, 1<<40), strings.Repeat("x", 20)...))
		read(&r)
		if r.Err() == nil || r.Uvarint() != 0 || r.Text() != "" || r.Float() != 0 || !r.Time().IsZero() || len(r.Rest()) != 0 {
			t.Errorf("%s: it reads on: %v", name, r.Err())
		}
	}
	r := NewReader(binary.AppendUvarint(binary.AppendVarint(nil, 0), 1e9))
	if at := r.Time(); r.End() == nil || !at.IsZero() {
		t.Errorf("a second of more than 999,999,999 ns reads as %s", at)
	}
}

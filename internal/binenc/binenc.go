// Package binenc reads and writes the values of the compact records on disk:
// varints, texts with their length, floats and instants, as encoding/binary has
// them, one behind the other without names or marks.
//
// A value is appended to a slice, and taken off one by a Reader. A Reader is for
// bytes that may be damaged: after the first value that cannot be read it holds
// an error and every further value is zero, so that a decoder reads a record as a
// whole and asks once, at its End, whether that was right. Lengths are bounded by
// the bytes that are there, so that damage allocates no memory.
//
// What a record consists of, and the number of its format, is the business of the
// packages that write it; it must not change here, where several formats on disk
// rest on it.
package binenc

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// ErrDamaged is the error of every Reader whose bytes are not what was written.
var ErrDamaged = errors.New("damaged data")

// AppendText appends the length of s in bytes, and s.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// AppendFloat appends v in eight bytes.
func AppendFloat(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

// AppendTime appends an instant to the nanosecond, without its zone.
func AppendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// Reader takes values off a slice, which it does not copy.
type Reader struct {
	rest []byte
	err  error
}

// NewReader reads b, which stays the caller's and must not change meanwhile.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Fail says that the bytes are damaged: for a value that the caller found out of
// its bounds.
func (r *Reader) Fail() {
	r.err = ErrDamaged
	r.rest = nil
}

// Err is nil or ErrDamaged.
func (r *Reader) Err() error { return r.err }

// Rest is what is left.
func (r *Reader) Rest() []byte { return r.rest }

// End is Err for a reader that should have nothing left: what is left is damage.
func (r *Reader) End() error {
	if r.err == nil && len(r.rest) > 0 {
		r.Fail()
	}
	return r.err
}

// Uvarint reads what binary.AppendUvarint wrote.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Varint reads what binary.AppendVarint wrote.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail()
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// Bytes reads the next n bytes, as a part of the slice that is read.
func (r *Reader) Bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.Fail()
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

// Text reads what AppendText wrote.
func (r *Reader) Text() string { return string(r.Bytes(r.Uvarint())) }

// Count reads the number of things that follow, each at least one byte long.
func (r *Reader) Count() int {
	n := r.Uvarint()
	if n > uint64(len(r.rest)) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Float reads what AppendFloat wrote.
func (r *Reader) Float() float64 {
	b := r.Bytes(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// Time reads what AppendTime wrote, in UTC; the zero time when it fails.
func (r *Reader) Time() time.Time {
	sec, nsec := r.Varint(), r.Uvarint()
	if nsec >= 1e9 {
		r.Fail()
	}
	if r.err != nil {
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

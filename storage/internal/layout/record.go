package layout

import (
	"encoding/binary"

	"moonwatch/engine"
	"moonwatch/internal/binenc"
)

const recordFormat = 1

// EncodeRecord is what lies under a record's key: everything but kind and id.
func EncodeRecord(r *engine.Record) []byte {
	b := make([]byte, 0, len(r.Data)+64)
	b = append(b, recordFormat)
	b = binary.AppendUvarint(b, r.Revision)
	b = binenc.AppendText(b, r.Author)
	b = binenc.AppendTime(b, r.At)
	b = binenc.AppendTime(b, r.Expires)
	b = binary.AppendUvarint(b, uint64(len(r.Terms)))
	for _, t := range r.Terms {
		b = binenc.AppendText(b, t)
	}
	return append(b, r.Data...)
}

// DecodeRecord returns a record whose data is a part of b. The error is
// binenc.ErrDamaged.
func DecodeRecord(kind engine.Kind, id string, b []byte) (engine.Record, error) {
	in := binenc.NewReader(b)
	if in.Byte() != recordFormat {
		in.Fail()
	}
	r := engine.Record{Kind: kind, ID: id, Revision: in.Uvarint(), Author: in.Text(), At: in.Time(), Expires: in.Time()}
	if n := in.Count(); n > 0 {
		r.Terms = make([]string, n)
		for i := range r.Terms {
			r.Terms[i] = in.Text()
		}
	}
	if in.Err() != nil {
		return engine.Record{}, in.Err()
	}
	r.Data = in.Rest()
	return r, nil
}

// EncodeRevision is what lies under a revision's key: everything but the number.
func EncodeRevision(r *engine.Revision) []byte {
	b := make([]byte, 0, len(r.Data)+32)
	b = append(b, recordFormat, 0)
	if r.Deleted {
		b[1] = 1
	}
	b = binenc.AppendText(b, r.Author)
	b = binenc.AppendTime(b, r.At)
	return append(b, r.Data...)
}

// DecodeRevision returns a revision whose data is a part of b. The error is
// binenc.ErrDamaged.
func DecodeRevision(number uint64, b []byte) (engine.Revision, error) {
	in := binenc.NewReader(b)
	if in.Byte() != recordFormat {
		in.Fail()
	}
	deleted := in.Byte() != 0
	r := engine.Revision{Number: number, Deleted: deleted, Author: in.Text(), At: in.Time()}
	if in.Err() != nil {
		return engine.Revision{}, in.Err()
	}
	r.Data = in.Rest()
	return r, nil
}

package storage

import (
	"encoding/binary"

	"moonwatch/engine"
)

const recordFormat = 1

// encodeRecord is what lies under a record's key: everything but kind and id.
func encodeRecord(r *engine.Record) []byte {
	b := make([]byte, 0, len(r.Data)+64)
	b = append(b, recordFormat)
	b = binary.AppendUvarint(b, r.Revision)
	b = appendText(b, r.Author)
	b = appendTime(b, r.At)
	b = appendTime(b, r.Expires)
	b = binary.AppendUvarint(b, uint64(len(r.Terms)))
	for _, t := range r.Terms {
		b = appendText(b, t)
	}
	return append(b, r.Data...)
}

// decodeRecord returns a record whose data is a part of b.
func decodeRecord(kind engine.Kind, id string, b []byte) (engine.Record, error) {
	in := reader{rest: b}
	if in.byte() != recordFormat {
		in.fail()
	}
	r := engine.Record{Kind: kind, ID: id, Revision: in.uvarint(), Author: in.text(), At: in.time(), Expires: in.time()}
	if n := in.count(); n > 0 {
		r.Terms = make([]string, n)
		for i := range r.Terms {
			r.Terms[i] = in.text()
		}
	}
	if in.err != nil {
		return engine.Record{}, in.err
	}
	r.Data = in.rest
	return r, nil
}

// encodeRevision is what lies under a revision's key: everything but the number.
func encodeRevision(r *engine.Revision) []byte {
	b := make([]byte, 0, len(r.Data)+32)
	b = append(b, recordFormat, 0)
	if r.Deleted {
		b[1] = 1
	}
	b = appendText(b, r.Author)
	b = appendTime(b, r.At)
	return append(b, r.Data...)
}

// decodeRevision returns a revision whose data is a part of b.
func decodeRevision(number uint64, b []byte) (engine.Revision, error) {
	in := reader{rest: b}
	if in.byte() != recordFormat {
		in.fail()
	}
	deleted := in.byte() != 0
	r := engine.Revision{Number: number, Deleted: deleted, Author: in.text(), At: in.time()}
	if in.err != nil {
		return engine.Revision{}, in.err
	}
	r.Data = in.rest
	return r, nil
}

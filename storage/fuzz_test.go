package storage

import (
	"testing"

	"moonwatch/engine"
	"moonwatch/storage/internal/layout"
)

// FuzzDecode feeds the decoders of records, keys and the journal what nobody wrote.
func FuzzDecode(f *testing.F) {
	record := engine.Record{Kind: engine.KindUser, ID: "u", Revision: 2, Author: "ada", Terms: []string{"a", "b"}, Data: []byte("{}")}
	f.Add(layout.EncodeRecord(&record))
	f.Add(journalPieces(largeOps(3))[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		layout.DecodeRecord(engine.KindUser, "u", b)
		layout.DecodeRevision(1, b)
		layout.SplitSeqKey(b)
		decodeOps(b)
	})
}

package layout

import (
	"encoding/binary"
	"strings"

	"moonwatch/engine"
)

// The letters that keys begin with, one for each space of the layout.
const (
	MetaSpace     = 'm'
	RecordSpace   = 'k'
	TermSpace     = 't'
	RevisionSpace = 'v'
	RowSpace      = 'r'
	BlockSpace    = 'b'
	JournalSpace  = 'j'
)

// The names of meta records.
const (
	MetaFormat    = "format"    // text: the number of the layout
	MetaRestoring = "restoring" // a restore has begun and not ended
	MetaJournal   = "journal"   // uvarint: pieces of the large batch to finish
	MetaCommit    = "commit"    // uvarint: the number of the transaction that wrote it
)

// CommitKey is MetaKey(MetaCommit). Every transaction sets it, so that logs and tables
// tell how far they reach.
const CommitKey = string(MetaSpace) + MetaCommit

// MetaKey is the key of the meta record of a name.
func MetaKey(name string) []byte { return append([]byte{MetaSpace}, name...) }

// Join is the space's letter and each part with its closing NUL.
func Join(space byte, parts ...string) []byte {
	n := 1 + 8
	for _, p := range parts {
		n += len(p) + 1
	}
	key := append(make([]byte, 0, n), space)
	for _, p := range parts {
		key = append(append(key, p...), 0)
	}
	return key
}

// RecordPrefix is what the keys of all records of a kind begin with.
func RecordPrefix(kind engine.Kind) []byte { return Join(RecordSpace, string(kind)) }

// RecordKey is the key of a record.
func RecordKey(kind engine.Kind, id string) []byte { return append(RecordPrefix(kind), id...) }

// TermPrefix is what the index entries of a kind under a term begin with; the id follows.
func TermPrefix(kind engine.Kind, term string) []byte {
	return Join(TermSpace, string(kind), term)
}

// TermKey is the index entry of a record under a term.
func TermKey(kind engine.Kind, term, id string) []byte {
	return append(TermPrefix(kind, term), id...)
}

// RevisionPrefix is what the keys of all revisions of a record begin with.
func RevisionPrefix(kind engine.Kind, id string) []byte {
	return Join(RevisionSpace, string(kind), id)
}

// RevisionKey is the key of a revision.
func RevisionKey(kind engine.Kind, id string, number uint64) []byte {
	return binary.BigEndian.AppendUint64(RevisionPrefix(kind, id), ^number)
}

// SeqKey is the key of a row or block that begins with seq.
func SeqKey(space byte, check string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(Join(space, check), ^seq)
}

// SplitSeqKey is the reverse of SeqKey; ok is false for a damaged key.
func SplitSeqKey(key []byte) (check string, seq uint64, ok bool) {
	n := len(key) - 8
	if n < 3 || key[n-1] != 0 {
		return "", 0, false
	}
	check = string(key[1 : n-1])
	return check, ^binary.BigEndian.Uint64(key[n:]), strings.IndexByte(check, 0) < 0
}

// JournalKey is the key of a piece of a large batch.
func JournalKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{JournalSpace}, number)
}

// After is the lowest key above all that begin with prefix, of which some byte is
// not 0xff.
func After(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}

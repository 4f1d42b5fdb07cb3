package storage

import (
	"encoding/binary"
	"strings"

	"moonwatch/engine"
)

// The layout of keys. Kinds, ids, terms and check ids hold no NUL, which ends
// them; numbers are 8 bytes big-endian, and those marked ^ are inverted, so that
// the newest comes first and nothing has to iterate backwards.
//
//	m NAME                       meta: format, restoring, journal, commit
//	k KIND 0 ID                  a record                       record.go
//	t KIND 0 TERM 0 ID           the term index, empty values
//	v KIND 0 ID 0 ^NUMBER        a revision                     record.go
//	r CHECK 0 ^SEQ               one result as a row            row.go
//	b CHECK 0 ^FIRST             results from FIRST on, a block  block.go
//	j NUMBER                     a piece of a large batch        journal.go
//
// The blocks of one check do not overlap. A row under the sequence of a result
// in a block stands in its place. The newest result of a check is always a row.
const (
	metaSpace     = 'm'
	recordSpace   = 'k'
	termSpace     = 't'
	revisionSpace = 'v'
	rowSpace      = 'r'
	blockSpace    = 'b'
	journalSpace  = 'j'
)

// The names of meta records.
const (
	metaFormat    = "format"    // text: the number of the layout
	metaRestoring = "restoring" // a restore has begun and not ended
	metaJournal   = "journal"   // uvarint: pieces of the large batch to finish
	metaCommit    = "commit"    // uvarint: the number of the transaction that wrote it
)

func metaKey(name string) []byte { return append([]byte{metaSpace}, name...) }

// joinKey is the space's letter and each part with its closing NUL.
func joinKey(space byte, parts ...string) []byte {
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

func recordPrefix(kind engine.Kind) []byte { return joinKey(recordSpace, string(kind)) }

func recordKey(kind engine.Kind, id string) []byte { return append(recordPrefix(kind), id...) }

func termPrefix(kind engine.Kind, term string) []byte {
	return joinKey(termSpace, string(kind), term)
}

func termKey(kind engine.Kind, term, id string) []byte {
	return append(termPrefix(kind, term), id...)
}

func revisionPrefix(kind engine.Kind, id string) []byte {
	return joinKey(revisionSpace, string(kind), id)
}

func revisionKey(kind engine.Kind, id string, number uint64) []byte {
	return binary.BigEndian.AppendUint64(revisionPrefix(kind, id), ^number)
}

// seqKey is the key of a row or block that begins with seq.
func seqKey(space byte, check string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(joinKey(space, check), ^seq)
}

// splitSeqKey is the reverse of seqKey; ok is false for a damaged key.
func splitSeqKey(key []byte) (check string, seq uint64, ok bool) {
	n := len(key) - 8
	if n < 3 || key[n-1] != 0 {
		return "", 0, false
	}
	check = string(key[1 : n-1])
	return check, ^binary.BigEndian.Uint64(key[n:]), strings.IndexByte(check, 0) < 0
}

func journalKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{journalSpace}, number)
}

// after is the lowest key above all that begin with prefix, of which some byte is
// not 0xff.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}

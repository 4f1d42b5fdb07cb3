// Package layout says how the data lies in the database: under which keys, and what
// the values of records are. It is pure; who reads and writes is package storage.
//
// Kinds, ids, terms and check ids hold no NUL, which ends them; numbers are 8 bytes
// big-endian, and those marked ^ are inverted, so that the newest comes first and
// nothing has to iterate backwards.
//
//	m NAME                meta: format, restoring, journal, commit
//	k KIND 0 ID           a record                        EncodeRecord
//	t KIND 0 TERM 0 ID    the term index, empty values
//	v KIND 0 ID 0 ^NUMBER a revision                      EncodeRevision
//	r CHECK 0 ^SEQ        one result as a row             package block
//	b CHECK 0 ^FIRST      results from FIRST on, a block  package block
//	j NUMBER              a piece of a large batch        storage/journal.go
//
// The blocks of one check do not overlap. A row under the sequence of a result in a
// block stands in its place. The newest result of a check is always a row.
//
// A layout that older versions would misread takes the next number, which storage
// keeps under the meta name format.
package layout

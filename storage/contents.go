package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/block"
	"moonwatch/storage/internal/layout"
)

// Contents is how much a database or a backup holds of what: the names are the
// kinds of records, and those below.
type Contents map[string]uint64

// The names of what is no record.
const (
	resultContents   = "results"
	revisionContents = "revisions"
	termContents     = "index entries"
)

// add counts an entry. It returns an error for what is no part of a backup.
func (c Contents) add(key, value []byte) error {
	if len(key) == 0 {
		return binenc.ErrDamaged
	}
	switch key[0] {
	case layout.RecordSpace:
		kind, _, ok := bytes.Cut(key[1:], []byte{0})
		if !ok {
			return binenc.ErrDamaged
		}
		c[string(kind)]++
	case layout.RevisionSpace:
		c[revisionContents]++
	case layout.TermSpace:
		c[termContents]++
	case layout.RowSpace:
		c[resultContents]++
	case layout.BlockSpace:
		head, err := block.ReadHead(value)
		if err != nil {
			return err
		}
		c[resultContents] += uint64(head.Count)
	default:
		return fmt.Errorf("it holds an entry %.20q, which no backup of moonwatch does: %w", key, binenc.ErrDamaged)
	}
	return nil
}

// append is how a backup keeps it.
func (c Contents) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c)))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		b = binary.AppendUvarint(binenc.AppendText(b, name), c[name])
	}
	return b
}

// String is for people: "2 check, 5 results".
func (c Contents) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%d %s", c[name], name))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

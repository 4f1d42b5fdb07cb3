package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/layout"
)

// A batch that no single transaction holds is written to a journal first, in
// pieces; then, in one step, the journal is declared whole; then its changes are
// put in their places and the journal is removed. A crash before the declaration
// leaves nothing of the batch, and one after it is made good by Open. Readers
// wait while the changes are being put in their places.

// pieceSize is about the bytes of a piece of the journal.
const pieceSize = 256 << 10

// commitLarge writes ops, however many they are, as a whole.
func (db committer) commitLarge(ops []op) error {
	pieces := journalPieces(ops)
	if err := db.writeJournal(pieces); err != nil {
		// Not declared whole: Open removes the pieces, and so do we if we can.
		if cleanup := db.removeJournal(journalKeys(len(pieces))); cleanup != nil {
			db.viewing.Lock()
			defer db.viewing.Unlock()
			return db.breakDown(errors.Join(err, cleanup))
		}
		return err
	}
	db.viewing.Lock()
	defer db.viewing.Unlock()
	err := db.commitSplit(ops)
	if err == nil {
		err = db.removeJournal(journalKeys(len(pieces)))
	}
	if err != nil {
		return db.breakDown(err)
	}
	return nil
}

// writeJournal stores the pieces and then the record that declares them whole.
func (db committer) writeJournal(pieces [][]byte) error {
	ops := make([]op, len(pieces))
	for i, piece := range pieces {
		ops[i] = op{key: layout.JournalKey(uint64(i)), value: piece}
	}
	if err := db.commitSplit(ops); err != nil {
		return err
	}
	return db.commitOps([]op{{key: layout.MetaKey(layout.MetaJournal), value: binary.AppendUvarint(nil, uint64(len(pieces)))}})
}

func journalKeys(pieces int) [][]byte {
	keys := make([][]byte, pieces)
	for i := range keys {
		keys[i] = layout.JournalKey(uint64(i))
	}
	return keys
}

// removeJournal removes the declaration first, and then the pieces.
func (db committer) removeJournal(pieces [][]byte) error {
	ops := []op{{key: layout.MetaKey(layout.MetaJournal), delete: true}}
	for _, key := range pieces {
		ops = append(ops, op{key: key, delete: true})
	}
	return db.commitSplit(ops)
}

// commitSplit writes ops in order, in as few transactions as hold them.
func (db committer) commitSplit(ops []op) error {
	for len(ops) > 0 {
		n, w := 0, weight{}
		for n < len(ops) {
			next := w.plus(weigh(ops[n : n+1]))
			if n > 0 && !db.fits(next) {
				break
			}
			n, w = n+1, next
		}
		if err := db.commitOps(ops[:n]); err != nil {
			return err
		}
		ops = ops[n:]
	}
	return nil
}

// finishJournal does what a crash has left to do.
func (db committer) finishJournal() error {
	declared, err := db.meta(layout.MetaJournal)
	if err != nil {
		return err
	}
	keys, pieces, err := db.readJournal()
	if err != nil {
		return err
	}
	if declared != nil {
		in := binenc.NewReader(declared)
		if n := in.Uvarint(); in.End() != nil || n != uint64(len(pieces)) {
			return fmt.Errorf("the journal of a large batch: %w", binenc.ErrDamaged)
		}
		for _, piece := range pieces {
			ops, err := decodeOps(piece)
			if err != nil {
				return fmt.Errorf("the journal of a large batch: %w", err)
			}
			if err := db.commitSplit(ops); err != nil {
				return err
			}
		}
		db.log.Info("a large batch that a crash had interrupted is whole now")
	}
	if declared == nil && len(pieces) == 0 {
		return nil
	}
	return db.removeJournal(keys)
}

// readJournal returns the pieces that are there, in order, and their keys.
func (db committer) readJournal() (keys, pieces [][]byte, err error) {
	defer catch("read the database", &err)
	err = db.badger.View(func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte{layout.JournalSpace}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			piece, err := copyOf(it.Item())
			if err != nil {
				return err
			}
			keys, pieces = append(keys, it.Item().KeyCopy(nil)), append(pieces, piece)
		}
		return nil
	})
	return keys, pieces, err
}

func journalPieces(ops []op) [][]byte {
	var pieces [][]byte
	var piece []byte
	for i := range ops {
		piece = appendOp(piece, &ops[i])
		if len(piece) >= pieceSize || i == len(ops)-1 {
			pieces = append(pieces, piece)
			piece = nil
		}
	}
	return pieces
}

func appendOp(b []byte, o *op) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(o.key))), o.key...)
	if o.delete {
		return append(b, 1)
	}
	b = append(b, 0)
	b = binary.AppendUvarint(b, o.expires)
	return append(binary.AppendUvarint(b, uint64(len(o.value))), o.value...)
}

func decodeOps(b []byte) ([]op, error) {
	in := binenc.NewReader(b)
	var ops []op
	for len(in.Rest()) > 0 {
		o := op{key: in.Bytes(in.Uvarint())}
		if in.Byte() == 1 {
			o.delete = true
		} else {
			o.expires = in.Uvarint()
			o.value = in.Bytes(in.Uvarint())
		}
		ops = append(ops, o)
	}
	return ops, in.End()
}

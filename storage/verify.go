package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"moonwatch/storage/internal/badgerfile"
)

// verify reads the files of the tables whole and compares their checksums.
func (db *DB) verify(ctx context.Context) error {
	return db.maintainer.upkeep("verify the database", func() error {
		// What a map of a file that was cut cannot read is an error and not the end.
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		for _, t := range db.badger.Tables() {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := badgerfile.TableName(t.ID)
			_, err := badgerfile.CheckTable(filepath.Join(db.space.Path, name), badger.TableManifest{Compression: options.Snappy})
			switch {
			case errors.Is(err, fs.ErrNotExist) && !db.hasTable(t.ID): // a compaction has replaced it meanwhile
			case err != nil:
				return fmt.Errorf("%s is damaged: %w; restore from a backup", name, err)
			}
		}
		return nil
	})
}

func (db *DB) hasTable(id uint64) bool {
	return slices.ContainsFunc(db.badger.Tables(), func(t badger.TableInfo) bool { return t.ID == id })
}

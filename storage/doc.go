// Package storage keeps everything that a monitor knows in one folder: it
// implements engine.Store on Badger, an embedded ordered key-value store, and
// engine.Sealer on a key file.
//
// keys.go says how the data lies on the disk. All writes pass one goroutine,
// the committer (commit.go), which puts the batches that wait into one synced
// transaction. Results are written as rows and folded into blocks of columns in
// the background (fold.go); readers see no difference.
package storage

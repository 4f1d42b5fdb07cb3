// Package storage keeps everything that a monitor knows in one folder: it
// implements engine.Store on Badger, an embedded ordered key-value store.
//
// Open looks at the files before Badger does (internal/damage). All writes pass one
// goroutine, the committer (commit.go), which puts the batches that wait into one
// synced transaction; what no transaction holds goes through a journal
// (journal.go). Results are written as rows and folded into blocks of columns in
// the background (fold.go); readers see no difference.
//
// How the data lies on the disk is said by internal/layout, for keys and records,
// and internal/block, for results. Secrets come here sealed, by package seal.
package storage

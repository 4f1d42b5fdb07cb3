// Package damage tells before Badger opens a database whether its files are as they
// were left. Badger ends the process over some damage, and throws data away over
// other: a MANIFEST that was cut is that of an older database, whose further tables
// are removed.
//
// Every commit has a number, which lies in the database, and a file beside it,
// db.last, says which was the last that was acknowledged, and how far the files
// reach (LastFile). Inspect compares: each file must be whole (package badgerfile),
// all of them must belong together, and nothing that was acknowledged may be
// missing. What a crash leaves, half an entry at an end, is no damage, and is
// mended; files that hold nothing which is needed are removed, and made anew.
//
// The errors are for people: which file it is, what to do, and that nothing was
// changed.
package damage

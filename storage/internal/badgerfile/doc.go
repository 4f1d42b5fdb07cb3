// Package badgerfile reads the files of a Badger database as they lie on the disk,
// without Badger, which must not see damaged ones: over some it ends the process,
// and over others it throws away what it cannot read.
//
// A database is a folder of a MANIFEST that names the tables, tables (.sst) with
// checksums, write-ahead logs (.mem) and value logs (.vlog) of one form, and small
// files that Badger can make anew. The functions say of one file what is in it and
// whether it is whole; whether files that are whole belong together is the business
// of package damage.
//
// Two commits of one Badger version write the same forms; a new version of it is
// to be compared with this package, and the tests that damage files tell.
package badgerfile

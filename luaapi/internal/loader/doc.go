// Package loader reads plugins: a Source (the text of a file or folder) goes in,
// and a Result comes out, with its plugins or with all of its problems, each at
// its file and line.
//
// The source is judged before it is compiled. Its top level runs once, in a state
// that has no way out; the constructors of the module forms note what they were
// given, and the tables that the file returns are validated. For runs, the file
// is compiled a second time without the forms, where nothing can tell the
// difference. A Plugin is not written after Load returned it.
//
// The package does not know which plugins are in force, nor runs any.
package loader

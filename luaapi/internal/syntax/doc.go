// Package syntax reads Lua sources into gopher-lua's syntax tree, and has the one
// walk over it that all who look at a plugin's source share.
//
// Parse stands before the compiler, which cannot be interrupted: it refuses, as
// a *SourceError with a line, what is no Lua and what would take the compiler
// seconds. Walk visits all nodes of a tree, Rewrite puts other statements in
// place of some. A kind of node that the library adds is taught to children,
// and nowhere else: a test holds that it knows them all.
//
// The package knows nothing of plugins, of what they may use, or of a Lua state.
// The linter does not use it: it needs the columns of every name, which the
// library's tree does not keep, and has a tree of its own.
package syntax

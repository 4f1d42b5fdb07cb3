// Package tree reads Lua sources as the linter needs them: as a syntax tree whose
// every node knows its line and column. The interpreter's parser, which
// luaapi/internal/syntax walks over, knows lines alone; what comes here has been
// parsed by that one before, so that both agree on what Lua is.
//
// Read does all: it scans a text (scan.go), parses it (parse.go), and binds names to
// the local variables that they stand for (scope.go), so that Node.Local is nil for
// globals. Walk goes over a tree. There is one type of node for statements and
// expressions; its Kind says which of its fields mean something.
//
// It is pure, and knows nothing of plugins; what is a mistake is for the rules of
// package lint to say.
package tree

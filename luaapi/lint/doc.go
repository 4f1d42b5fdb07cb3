// Package lint finds mistakes in the Lua of plugins without running it: names
// that nothing defines, fields that no object and no form has, wrong arguments,
// paths that lose the result, loops that never end. It has a parser of its own,
// since the interpreter's knows no columns; what it is given has been parsed by
// that one before, so that both agree on what Lua is.
//
// It is careful: where it does not know what a value is, it says nothing.
package lint

// Package lint finds mistakes in the Lua of plugins without running it: names
// that nothing defines, fields that no object and no form has, wrong arguments,
// paths that lose the result, loops that never end. Sources are read by
// internal/tree, whose nodes know columns; the rules stand here.
//
// It is careful: where it does not know what a value is, it says nothing.
package lint

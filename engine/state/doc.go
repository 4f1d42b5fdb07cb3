// Package state owns all that the monitor knows. One goroutine, the writer, changes it:
// commands reach it as functions over a Tx and are taken in groups; a group becomes one
// batch of plain data, the store makes it durable, and only then is it visible in the
// Tables and told to listeners. A command that fails, or that the store refuses, leaves
// nothing behind.
//
// A kind of object is one line in kinds: where it lies, what its name and its terms are,
// which indexes it keeps. What state asks of the parts above it are the Hooks.
//
// Readers hold Mu for reading while they look at Tables; the objects are never changed
// but replaced, and may be kept.
package state

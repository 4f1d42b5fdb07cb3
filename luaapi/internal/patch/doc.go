// Package patch holds everything by which Moonwatch works around gopher-lua: what
// it gets wrong, what it cannot be told, and what it keeps to itself. Elsewhere
// the library is used by its exported names alone.
//
// It was written for Version. Each patch says under "Upstream" which fault or gap
// it answers, and a test named TestUpstream… shows that the library still has it,
// or is still built as the patch takes it to be. When one of them fails after a
// new version was taken, look first whether the patch can go.
//
//   - Mend and Compile: assignments and loops that are compiled wrongly, and what
//     a compiled function wastes.
//   - BeforeConcat, BeforeIndexed, LimitIndex: single instructions that take as
//     much time and memory as they like.
//   - Stack, Thread: what an idle stack keeps alive, and variables that come apart
//     after an error was caught.
//   - Raise, ShortenPanic, Overflow: tracebacks without end, and a stack overflow
//     that arrives as a crash.
//   - InWords: errors in the words of Lua, with the name of the variable.
//
// The package knows nothing of runs and budgets: what is to be done at a place
// that it opens is handed in as a function.
package patch

// Version is the release of gopher-lua that the patches were written for.
const Version = "v1.1.2"

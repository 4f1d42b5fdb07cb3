// Package memory measures what values of Lua hold. gopher-lua counts no bytes, so
// a Meter walks over everything that a run's stack, environment and results lead
// to, each once, and sums up sizes that were found by experiment. What all runs
// share stands behind metatables of luaval and is not counted. A Meter stops when
// it has seen enough, at a deadline, and when the run wants to go on: what it
// found until then is a lower bound.
package memory

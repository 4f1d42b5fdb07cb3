// Package storagetest holds what every engine.Store must pass, Run, and a store
// in memory for tests of the engine, Memory.
package storagetest

// Package enginetest has what tests of the engine, and of what stands on it, need in
// place of the real parts: plugins whose runs are Go functions, a registry that a test
// fills, and sealers without secrecy. The in-memory store is storage/storagetest.
package enginetest

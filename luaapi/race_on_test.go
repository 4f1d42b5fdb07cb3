//go:build race

package luaapi

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true

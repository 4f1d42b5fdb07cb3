//go:build !race

package monitor_test

const raceEnabled = false

// quickSequences are played in a run of all tests.
const quickSequences = 200

// Package silence says what a silence covers and when it holds: over its one time, or
// over the occurrences of its recurrence, which package rota expands. It knows no
// state: Clock, which remembers until when an answer holds, is all that it keeps.
package silence

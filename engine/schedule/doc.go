// Package schedule decides when checks run. A check has a grid (its interval, from an
// instant of its own) or a timetable (cron, active hours, a time zone), both pure
// functions of the check and an instant. The Scheduler holds the next slot of every
// check in a heap and hands due ones to a function, within bounds: so many runs at
// once, a fair share for each plugin, and no more than memory has room for. What has
// begun goes first; a slot that got no turn until its deadline is skipped and counted.
//
// It knows no results and no tables: who runs a check tells it when the run is over.
package schedule

// Package history accounts for what was. It keeps transitions of statuses, aggregates of
// results by hour and day (counts, and quantiles as a DDSketch), and the times in which
// the monitor itself did not run; from these it tells uptime, reports and summaries. Its
// loop aggregates and deletes what is older than it is to be kept, in small steps that
// leave room for others.
//
// It reads incidents and never writes them.
package history

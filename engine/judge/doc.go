// Package judge derives statuses from results. Judge moves a check's state by one
// result, Age by time alone (a check without results becomes unknown, and counts as
// failing for a while later), Overall derives the status of a service from its failing
// checks. All are pure functions of the rule, the old state and the instant, so that
// their tests need no clock, and the same code can be played on kept results.
package judge

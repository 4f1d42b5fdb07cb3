// Package alert leads from a status to an attempt of delivery. Evaluate looks at one
// service or instance; React, a pure function, says what happens to its incident (opened,
// escalated, repeated, closed) and Route, pure as well, who is told through what. What
// is to be sent is written down before it is sent: the Outbox begins attempts of
// deliveries that are durable, and each attempt that a crash interrupts is made again
// under the same id.
//
// Between the two stand what holds an alert back: silences, dependencies, the grace
// after a start, quiet hours and limits on floods. Each decision is kept with the event,
// so that Why can tell afterwards.
package alert

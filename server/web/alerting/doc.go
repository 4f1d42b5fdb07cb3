// Package alerting is the pages of what is told and what is not: incidents with
// their notes, deliveries, the answer to "why was I (not) paged?", silences, and
// the quick actions of operators (to acknowledge, to silence, to send a test).
//
// Pages of other areas show the same form to acknowledge, as AckOf fills it in.
// Who is no admin sees of a delivery what concerns themselves.
package alerting

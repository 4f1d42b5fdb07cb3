// Package subjects is the pages of services and instances: the list, one of them
// with whom it tells, its form, and what is done to it.
//
// Both kinds go through the same handlers, over lookup.Subject; what differs
// between them are a field or two of the form. The built-in service, by which the
// monitor tells of its own troubles, shows more than is named on it (builtin.go).
package subjects

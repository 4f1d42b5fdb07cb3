// Package lookup finds what pages of several kinds show of the engine: names for
// ids, choices of forms, who is on duty, what is silenced, uptime, deliveries as
// the caller may see them.
//
// A Lookup is a frame.Frame with these questions added; the pages of each area
// embed one. Its answers are read from the engine at the time of the call and kept
// nowhere. A Subject is the one shape in which pages read, change and save
// services and instances, which differ in little but their kind.
//
// The package draws nothing, and knows no page.
package lookup

// Package public serves what needs no person who is logged in: the status page
// with its feed, badges, iCal feeds, pings, metrics and health.
//
// Site reads the engine and writes pages, images and plain text. What everybody
// may see are names, statuses, times and public notes of what is public, never an
// error, a check or a person; badges of what is not public, and metrics, are for
// callers with a role. The status page is found out once for many visitors.
//
// The package knows no resource of the API and changes nothing but by a ping.
package public

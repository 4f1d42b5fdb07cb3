package ownform

import (
	"cmp"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/server/web/webform"
)

// Times in forms are wall time of a zone that the form names beside them.

// WallText is an instant as a datetime-local input takes it.
func WallText(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return strings.TrimSuffix(t.In(zone).Format(webform.LocalLayout), ":00")
}

// AsWallTime lets a date and time be chosen; what cannot be one stays as it was typed.
func AsWallTime(f *webform.Field) {
	if _, err := webform.ParseLocal(f.Value); err == nil || f.Value == "" {
		f.Type = "datetime-local"
	}
}

// WallTime reads a wall time of a zone and notes what is wrong with it.
func WallTime(text, name string, zone *time.Location, errs webform.Errors) time.Time {
	at, err := webform.ParseLocal(text)
	if err != nil {
		if text != "" { // else it was said that it is required
			errs.Add(name, "write a date and time such as 2026-01-05T09:00")
		}
		return time.Time{}
	}
	return rota.FromWall(at, zone)
}

// ZoneOf is the zone of a user, UTC where none is set.
func ZoneOf(u *engine.User) string { return cmp.Or(u.TimeZone, "UTC") }

// Zones are suggestions for a time zone; every IANA name is taken.
func Zones() []string {
	return []string{"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "America/Chicago", "America/Denver", "America/Los_Angeles",
		"America/Mexico_City", "America/New_York", "America/Sao_Paulo", "America/Toronto", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Kolkata", "Asia/Seoul",
		"Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Melbourne", "Australia/Sydney", "Europe/Amsterdam", "Europe/Berlin", "Europe/Istanbul",
		"Europe/Kyiv", "Europe/London", "Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland"}
}

package engine

import (
	"time"
)

// siteID is the id of the one Settings object.
const siteID = "site"

// DefaultSettings are those of a site on which nobody has set anything.
func DefaultSettings() *Settings {
	day := Duration(24 * time.Hour)
	return &Settings{Meta: Meta{ID: siteID}, RepeatInterval: defaultRepeat(), Retention: 30 * day, SumRetention: 730 * day,
		HistoryKept: 730 * day, TrustedProxies: []string{}}
}

func defaultRepeat() map[Status]Duration {
	return map[Status]Duration{
		StatusWarning:  Duration(2 * time.Hour),
		StatusError:    Duration(time.Hour),
		StatusCritical: Duration(10 * time.Minute),
	}
}

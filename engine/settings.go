package engine

import (
	"time"
)

// SiteID is the id of the one Settings object.
const SiteID = "site"

// DefaultSettings are those of a site on which nobody has set anything.
func DefaultSettings() *Settings {
	day := Duration(24 * time.Hour)
	return &Settings{Meta: Meta{ID: SiteID}, RepeatInterval: DefaultRepeat(), Retention: 30 * day, SumRetention: 730 * day,
		HistoryKept: 730 * day, TrustedProxies: []string{}}
}

func DefaultRepeat() map[Status]Duration {
	return map[Status]Duration{
		StatusWarning:  Duration(2 * time.Hour),
		StatusError:    Duration(time.Hour),
		StatusCritical: Duration(10 * time.Minute),
	}
}

package frame

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
)

// CheckLine is a check in a list.
type CheckLine struct {
	ID, Name, Plugin string
	Page             string // its address, when it is a rota in place of a check
	Status           Standing
	Since            *time.Time
	LastRun          *time.Time
	Error            string
	Flapping         bool
	Active           bool
	Services         int
	Order            string // what lists are sorted by, where they are long
	Message          string // of the last result
	Tags             []string
	PluginName       string        // "" where lists do not show it
	Strip            template.HTML // its latest results, where lists show them
	Silenced         bool
}

// LineOf is a check as lists show it.
func LineOf(c *edit.CheckView) CheckLine {
	return CheckLine{ID: c.ID, Name: c.Name, Plugin: c.Plugin, Status: StandingOf(c), Since: c.Since, LastRun: c.LastRun,
		Error: c.Error, Flapping: c.Flapping, Active: c.Active, Services: len(c.Services) + len(c.InstanceIDs), Message: c.Message, Tags: c.Tags}
}

// WorstFirst orders checks by how they stand, the worst first, then by name.
func WorstFirst(lines []CheckLine) {
	slices.SortFunc(lines, func(a, b CheckLine) int {
		return cmp.Or(RankOf(b.Status)-RankOf(a.Status), Newest(a.Since, b.Since), strings.Compare(a.Name, b.Name))
	})
}

// RankOf orders how checks stand, the worst highest.
func RankOf(s Standing) int {
	switch s {
	case Standing(engine.StatusCritical):
		return 6
	case Standing(engine.StatusError), Standing(engine.CheckFailing):
		return 5
	case Standing(engine.StatusWarning):
		return 4
	case Standing(engine.CheckUnknown):
		return 3
	case Standing(engine.CheckPending):
		return 2
	case Standing(MarkPaused):
		return 0
	}
	return 1
}

func B2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Newest orders by time, the latest first.
func Newest(a, b *time.Time) int {
	if a == nil || b == nil {
		return 0
	}
	return b.Compare(*a)
}

// Cut shortens a list to most items and says how many it left out.
func Cut[T any](list []T, most int) ([]T, int) {
	if len(list) <= most {
		return list, 0
	}
	return list[:most], len(list) - most
}

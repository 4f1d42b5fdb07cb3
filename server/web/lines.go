package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
)

// checkLine is a check in a list.
type checkLine struct {
	ID, Name, Plugin string
	Page             string // its address, when it is a rota in place of a check
	Status           standing
	Since            *time.Time
	LastRun          *time.Time
	Error            string
	Flapping         bool
	Active           bool
	Services         int
	order            string // what lists are sorted by, where they are long
}

// lineOf is a check as lists show it.
func lineOf(c *edit.CheckView) checkLine {
	return checkLine{ID: c.ID, Name: c.Name, Plugin: c.Plugin, Status: standingOf(c), Since: c.Since, LastRun: c.LastRun,
		Error: c.Error, Flapping: c.Flapping, Active: c.Active, Services: len(c.Services) + len(c.InstanceIDs)}
}

func worstFirst(lines []checkLine) {
	slices.SortFunc(lines, func(a, b checkLine) int {
		return cmp.Or(rankOf(b.Status)-rankOf(a.Status), newest(a.Since, b.Since), strings.Compare(a.Name, b.Name))
	})
}

// rankOf orders how checks stand, the worst highest.
func rankOf(s standing) int {
	switch s {
	case standing(engine.StatusCritical):
		return 6
	case standing(engine.StatusError), standing(engine.CheckFailing):
		return 5
	case standing(engine.StatusWarning):
		return 4
	case standing(engine.CheckUnknown):
		return 3
	case standing(engine.CheckPending):
		return 2
	case standing(markPaused):
		return 0
	}
	return 1
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// newest orders by time, the latest first.
func newest(a, b *time.Time) int {
	if a == nil || b == nil {
		return 0
	}
	return b.Compare(*a)
}

func cut[T any](list []T, most int) ([]T, int) {
	if len(list) <= most {
		return list, 0
	}
	return list[:most], len(list) - most
}

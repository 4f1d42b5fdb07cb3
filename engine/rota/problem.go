package rota

import "fmt"

// Problem is something about a calendar that a person should see; what it
// concerns was left out or taken as the message says.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`         // a sentence without its full stop
	UID     string `json:"uid,omitempty"`   // the event's
	Title   string `json:"title,omitempty"` // the event's
	Line    int    `json:"line,omitempty"`  // in the feed, from 1; 0 is none
}

// The codes of problems.
const (
	BadLine     = "bad_line"     // lines that are no iCalendar were left out
	BadEvent    = "bad_event"    // an event cannot be read and was left out
	TooFrequent = "too_frequent" // an event repeats more often than daily and was left out
	TooMany     = "too_many"     // a bound was met; what came after was left out
	UnknownZone = "unknown_zone" // a time zone is not known; the calendar's is taken
	UnknownName = "unknown_name" // no user is named by an event; it was left out
	NoEvents    = "no_events"    // the calendar holds no events
)

// String is for logs.
func (p Problem) String() string {
	text := p.Message
	if p.Title != "" {
		text = quote(p.Title) + ": " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// FeedError says why a feed was refused as a whole.
type FeedError struct {
	Code    string
	Message string
}

// The codes of refused feeds.
const (
	Empty         = "empty"
	HTML          = "html"
	NotCalendar   = "not_calendar"
	CutShort      = "cut_short"
	TooLarge      = "too_large"
	TooManyEvents = "too_many_events"
)

func (e *FeedError) Error() string { return e.Message }

// maxProblems bounds a list of problems.
const maxProblems = 100

// problems gathers up to maxProblems and says how many there were beyond.
type problems struct {
	list []Problem
	more int
}

func (p *problems) add(list ...Problem) {
	room := max(0, maxProblems-len(p.list))
	n := min(room, len(list))
	p.list = append(p.list, list[:n]...)
	p.more += len(list) - n
}

func (p *problems) all() []Problem {
	if p.more == 0 {
		return p.list
	}
	return append(p.list, Problem{Code: TooMany, Message: fmt.Sprintf("%d further problems are not listed", p.more)})
}

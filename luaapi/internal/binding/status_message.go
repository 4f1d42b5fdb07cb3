package binding

import (
	"strings"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/module"
)

// StatusMessage is what service:get_status_message gives.
func StatusMessage(s *engine.AlertSnapshot, withFailing bool) string {
	text := statusOf(s, s.Name, s.PageURL)
	if !withFailing || isNormal(s) {
		return text
	}
	failing := make([]string, len(s.Failing))
	for i, c := range s.Failing {
		failing[i] = c.Name
		if c.Error != "" {
			failing[i] += " (" + c.Error + ")"
		}
	}
	return text + checksFailing + strings.Join(failing, ", ")
}

const checksFailing = ". Checks failing: "

func isNormal(s *engine.AlertSnapshot) bool {
	return s.OverallStatus == engine.StatusPassing || s.OverallStatus == ""
}

func statusOf(s *engine.AlertSnapshot, name, url string) string {
	kind := "Service "
	if s.Subject.Kind == engine.KindInstance {
		kind = "Instance "
	}
	if isNormal(s) {
		return kind + name + " is back to normal: " + url
	}
	return kind + name + " reporting " + string(s.OverallStatus) + " status: " + url
}

// The lengths to which the parts of a bounded status message are cut, unless there
// is room for more.
const (
	maxStatusName  = 100
	maxStatusError = 200
	// minStatusCheck is the room below which no check is named.
	minStatusCheck = 10
)

// StatusWithin is the status message in most units: names and errors are cut, and
// after the checks that fit it says how many more there are. An address that does
// not fit is left out.
func StatusWithin(s *engine.AlertSnapshot, withFailing bool, most int, count module.Measure) string {
	cut := func(text string, most int) string {
		return module.CutLine(module.OneLine(text), most, count, func(text string) string { return text })
	}
	name, url := cut(s.Name, maxStatusName), module.OneLine(s.PageURL)
	text := statusOf(s, name, url)
	if count(text) > most {
		text = strings.TrimSuffix(statusOf(s, name, ""), ": ")
	}
	if text = cut(text, most); !withFailing || isNormal(s) || len(s.Failing) == 0 {
		return text
	}
	room := most - count(text) - count(checksFailing)
	share, one := room, room // for each check, and at the most for one
	if n := len(s.Failing); n > 1 {
		share, one = room/n-count(", "), room-count(", ")-count(module.AndMore(n-1))
	}
	if one < minStatusCheck {
		one = most // none fits
	}
	failing := make([]string, len(s.Failing))
	for i, c := range s.Failing {
		failing[i] = cut(c.Name, min(max(maxStatusName, share/2), one))
		around := count(failing[i] + " ()")
		if why := cut(c.Error, min(max(maxStatusError, share-around), one-around)); why != "" {
			failing[i] += " (" + why + ")"
		}
	}
	if list, _ := module.FitLines(failing, room, count, ", "); list != "" {
		text += checksFailing + list
	}
	return text
}

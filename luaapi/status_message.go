package luaapi

import (
	"strings"

	"moonwatch/engine"
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

// The lengths, in characters, to which the parts of a bounded status message are cut.
const (
	mostStatusName  = 100
	mostStatusError = 200
)

// statusWithin is the status message in most units: names and errors are cut, and
// after the checks that fit it says how many more there are. An address that does
// not fit is left out.
func statusWithin(s *engine.AlertSnapshot, withFailing bool, most int, count measure) string {
	cut := func(text string, most int) string {
		return cutLine(oneLine(text), most, measureNamed("characters"), func(text string) string { return text })
	}
	name, url := cut(s.Name, mostStatusName), oneLine(s.PageURL)
	text := statusOf(s, name, url)
	if count(text) > most {
		text = strings.TrimSuffix(statusOf(s, name, ""), ": ")
	}
	if count(text) > most {
		return cutLine(text, most, count, func(text string) string { return text })
	}
	if !withFailing || isNormal(s) {
		return text
	}
	failing := make([]string, len(s.Failing))
	for i, c := range s.Failing {
		failing[i] = cut(c.Name, mostStatusName)
		if c.Error != "" {
			failing[i] += " (" + cut(c.Error, mostStatusError) + ")"
		}
	}
	if list, _ := fitLines(failing, most-count(text)-count(checksFailing), count, ", "); list != "" || len(failing) == 0 {
		text += checksFailing + list
	}
	return text
}

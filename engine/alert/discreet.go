package alert

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// minDiscreet is the length in bytes from which a setting is looked for in texts.
const minDiscreet = 4

// Discreet returns a delivery as people who are no admins see it: what plugins and
// receivers wrote of it names no address, number or other setting of the people
// told, but for those of viewer, the id of a user.
func (inc *Incidents) Discreet(d engine.Delivery, viewer string) engine.Delivery {
	var notified []string
	for _, list := range [][]string{d.Users, d.DutyOfficers, d.Reached} {
		notified = append(notified, list...)
	}
	d.Deferred = slices.Clone(d.Deferred)
	for i, h := range d.Deferred {
		notified = append(notified, h.User)
		if h.User != viewer { // that it was so, not how it is set
			d.Deferred[i].Why, _, _ = strings.Cut(h.Why, " until ")
			d.Deferred[i].Why, _, _ = strings.Cut(d.Deferred[i].Why, " do not allow ")
		}
	}
	hide := inc.hiding(notified, viewer)
	d.Why = hide.Replace(d.Why)
	d.Attempts = slices.Clone(d.Attempts)
	for i := range d.Attempts {
		a := &d.Attempts[i]
		a.Error = hide.Replace(a.Error)
		a.Log = slices.Clone(a.Log)
		for j := range a.Log {
			a.Log[j].Message = hide.Replace(a.Log[j].Message)
		}
	}
	d.Sent = slices.Clone(d.Sent)
	for i := range d.Sent {
		d.Sent[i].Title, d.Sent[i].Text = hide.Replace(d.Sent[i].Title), hide.Replace(d.Sent[i].Text)
	}
	return d
}

// hiding replaces the addresses and settings of users, the longest first.
func (inc *Incidents) hiding(users []string, viewer string) *strings.Replacer {
	var texts []string
	add := func(text string) {
		if len(text) >= minDiscreet {
			texts = append(texts, text)
		}
	}
	inc.Mu.RLock()
	for _, id := range users {
		u := inc.Tables.Users[id]
		if u == nil || id == viewer {
			continue
		}
		add(u.Email)
		for _, values := range u.Settings {
			eachText(values, add)
		}
	}
	inc.Mu.RUnlock()
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var pairs []string
	for _, text := range slices.Compact(texts) {
		pairs = append(pairs, text, "***")
	}
	return strings.NewReplacer(pairs...)
}

// eachText calls fn with every text within a value.
func eachText(v any, fn func(string)) {
	switch v := v.(type) {
	case string:
		fn(v)
	case float64:
		fn(strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		for _, one := range v {
			eachText(one, fn)
		}
	case map[string]any:
		for _, one := range v {
			eachText(one, fn)
		}
	case form.Values:
		eachText(map[string]any(v), fn)
	}
}

package demo

import (
	"fmt"
	"time"
)

// zone is where the city lies.
const zone = "Europe/Lisbon"

// The accounts that somebody who looks at the demo signs in with.
const (
	Admin    = "demo"
	Operator = "operator"
	Viewer   = "viewer"
)

// person is somebody who works for the city.
type person struct {
	username, first, last, role string
	phone                       string
}

func people() []person {
	return []person{
		{Admin, "Dana", "Moreau", "admin", "+15555550100"},
		{Operator, "Omar", "Haddad", "operator", "+15555550101"},
		{Viewer, "Vera", "Lindholm", "viewer", ""},
		{"nora", "Nora", "Ferreira", "operator", "+15555550103"},
		{"tomas", "Tomás", "Almeida", "operator", "+15555550104"},
		{"priya", "Priya", "Raman", "operator", "+15555550105"},
		{"jonas", "Jonas", "Weber", "operator", "+15555550106"},
		{"aisha", "Aisha", "Okafor", "editor", "+15555550107"},
		{"lucia", "Lucía", "Marín", "operator", "+15555550108"},
		{"henk", "Henk", "de Boer", "operator", "+15555550109"},
		{"mei", "Mei", "Tanaka", "operator", "+15555550110"},
		{"samir", "Samir", "Nasser", "viewer", ""},
	}
}

// rotation is a rota by hand, with its members in turn.
type rotation struct {
	name    string
	members []string
	every   string
}

// rotations are the rotas. The first of each is on duty now: see firstOf.
func rotations() []rotation {
	return []rotation{
		{"Platform on call", []string{Operator, "nora", "priya", "jonas"}, "1w"},
		{"Streets and water", []string{"tomas", "lucia", "henk"}, "1w"},
		{"Health desk", []string{"mei", "aisha", "jonas", "nora"}, "1d"},
	}
}

// rotaOf is the rota of a service, by its tag.
func rotaOf(tag string) string {
	switch tag {
	case "water", "streets", "transit":
		return rotations()[1].name
	case "health":
		return rotations()[2].name
	}
	return rotations()[0].name
}

func (c *City) users(password string) []map[string]any {
	var out []map[string]any
	for _, p := range people() {
		u := map[string]any{"username": p.username, "first_name": p.first, "last_name": p.last, "role": p.role,
			"email": p.username + "@" + domain, "time_zone": zone}
		if p.phone != "" {
			u["settings"] = map[string]any{"twilio_call": map[string]any{"phone_number": p.phone}}
		}
		if p.username == Admin || p.username == Operator || p.username == Viewer {
			u["password"] = password
		}
		switch p.username {
		case "henk":
			u["quiet_hours"] = []map[string]any{{"start": "22:30", "end": "06:30"}}
		case "nora":
			u["contact_rules"] = []map[string]any{{"channel": "sms", "severity": "ERROR"}}
		}
		out = append(out, u)
	}
	return out
}

// rotas are the rotas, begun so long ago that their first member's turn is now.
func (c *City) rotas(now time.Time) []map[string]any {
	var out []map[string]any
	for _, r := range rotations() {
		step := 7
		if r.every == "1d" {
			step = 1
		}
		begin := monday(now)
		if step == 1 {
			begin = morning(now)
		}
		turns := Days/step/len(r.members) + 2
		starts := begin.AddDate(0, 0, -turns*step*len(r.members))
		rota := map[string]any{"name": r.name, "time_zone": zone, "fallback_user": Admin,
			"rotation": map[string]any{"members": r.members, "every": r.every, "starts": starts.Format("2006-01-02T15:04")}}
		if step == 7 {
			from := begin.AddDate(0, 0, 10)
			rota["overrides"] = []map[string]any{{"user": r.members[2], "start": from.Format(time.RFC3339), "end": from.AddDate(0, 0, 1).Format(time.RFC3339)}}
		}
		out = append(out, rota)
	}
	return out
}

// morning is the last 09:00 of the city at or before now.
func morning(now time.Time) time.Time {
	now = now.In(location())
	at := time.Date(now.Year(), now.Month(), now.Day(), 9, 0, 0, 0, now.Location())
	if at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at
}

// monday is the last Monday, 09:00.
func monday(now time.Time) time.Time {
	at := morning(now)
	for at.Weekday() != time.Monday {
		at = at.AddDate(0, 0, -1)
	}
	return at
}

func location() *time.Location {
	l, err := time.LoadLocation(zone)
	if err != nil {
		panic(fmt.Sprintf("load the city's time zone: %v", err)) // time/tzdata is in the binary
	}
	return l
}

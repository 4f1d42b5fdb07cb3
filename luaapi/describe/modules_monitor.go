package describe

import "moonwatch/engine/form"

func logModule() Module {
	return Module{Name: "log", Text: "Lines that are kept with the run (100 of 1 KiB) and shown beside its result.",
		Functions: functions(`
			debug(message: any, fields?: table): nil -- Writes a line of level debug; fields follow as name=value.
			info(message: any, fields?: table): nil -- Writes a line of level info.
			warn(message: any, fields?: table): nil -- Writes a line of level warn.
			error(message: any, fields?: table): nil -- Writes a line of level error.
		`),
		Example: `local log = require "log"
log.info("asked the server", { page = 2, took = 0.25 })`}
}

const storeLines = `
	get(key: string): any [fails] -- What is kept under a key, or nil.
	set(key: string, value?: any, ttl?: number): boolean [fails] -- Keeps a JSON value, for ttl seconds or for ever; nil deletes the key.
	increment(key: string, by?: number): number [fails] -- Adds to a number (1 when by is left out) in one step, and returns the sum.
	delete(key: string): boolean [fails] -- Forgets a key.
`

func storeModule() Module {
	return Module{
		Name: "store",
		Text: "Values that last from run to run: JSON values to 16 KiB, 100 keys a scope, written at once; a plugin may write 512 KiB " +
			"a second, and 8 MiB at once. The scope is the check, or for an alert plugin the service; in a view it is the plugin's " +
			"one scope.",
		Functions: functions(storeLines),
		Example: `local store = require "store"
store.set("last", { offset = 7 }, 3600) --> true
store.get("last").offset --> 7
store.increment("failures") --> 1
store.shared.set("token", "abc") --> true
store.get("token") --> nil
store.delete("last") --> true`,
	}
}

func sharedModule() Module {
	return Module{
		Name:      "store.shared",
		Text:      "As store, in the one scope that all checks and services of the plugin share.",
		Functions: functions(storeLines),
	}
}

func recipientsModule() Module {
	return Module{
		Name: "recipients",
		Text: "Whom an event concerns. Each returns an array of users, every user once; of a test alert it is whoever asked for it.",
		Functions: functions(`
			all(users: user[], duty_officers: user[]): user[] -- Both lists, users first; somebody can be in both, and is given once.
			chat(service: service, users: user[], duty_officers: user[]): user[] -- Whom to mention: all for firing and escalation at ERROR or CRITICAL and for the recovery from those, else nobody.
			phone(service: service, users: user[], duty_officers: user[]): user[] -- The duty officers for firing, escalation and repeat at CRITICAL, else nobody.
			sms(service: service, users: user[], duty_officers: user[]): user[] -- All, but nobody for deescalation and update.
			email(service: service, users: user[], duty_officers: user[]): user[] -- The users, and the officers when the incident's worst status is CRITICAL.
		`),
	}
}

// formsModule is the module forms: a constructor for each type of field, and
// the widgets.
func formsModule() Module {
	m := Module{
		Name: "forms",
		Text: "The fields of a plugin's forms, with Django's names. A form is an array of fields; the first value of a field is its " +
			"name.",
	}
	for _, t := range FieldTypes() {
		m.Functions = append(m.Functions, Function{
			Name:    t.Name,
			Params:  []Param{{Name: "field", Type: "forms.arguments"}},
			Returns: []string{"forms.field"},
			Text:    t.Text,
		})
	}
	for _, w := range form.Widgets() {
		m.Fields = append(m.Fields, Field{Name: w, Type: "forms.widget", Text: "A widget."})
	}
	return m
}

package describe

// Key is a key of the table that a plugin returns.
type Key struct {
	Name     string    `json:"name"`
	In       string    `json:"in"` // "check", "alert" or "both"
	Required bool      `json:"required,omitempty"`
	Type     string    `json:"type"`
	Function *Function `json:"function,omitempty"` // of a key that is a function; self is left out
	Text     string    `json:"text"`
}

// Keys returns all keys of a plugin's table.
func Keys() []Key {
	keys := []Key{
		{Name: "name", In: "both", Required: true, Type: "string", Text: "Shown to people."},
		{
			Name:     "slug",
			In:       "both",
			Required: true,
			Type:     "string",
			Text:     "Identity: a small letter, then up to 63 small letters, digits and `_`. Stored data hangs on it.",
		},
		{Name: "version", In: "both", Required: true, Type: "string", Text: "Shown, and recorded with each result and delivery."},
		{Name: "author", In: "both", Type: "string", Text: "Shown."},
		{Name: "summary", In: "both", Type: "string", Text: "One line on what it is for; shown."},
		{Name: "font_icon", In: "both", Type: "string", Text: "A Font Awesome or glyphicon class name."},
		{Name: "homepage", In: "both", Type: "string", Text: "Shown as a link."},
		{Name: "license", In: "both", Type: "string", Text: "Shown."},
		{
			Name: "plugin_variables",
			In:   "both",
			Type: "string[]",
			Text: "The environment variables that `os.getenv` may read, inside functions: at the file's top level it gives nil. Names " +
				"beginning `MOONWATCH_` cannot be listed.",
		},
		{
			Name: "settings_form",
			In:   "both",
			Type: "forms.field[]",
			Text: "Site-wide settings, filled in once by an administrator; read as `self.settings.FIELD`.",
		},
		{
			Name: "settings_from",
			In:   "both",
			Type: "string",
			Text: "The slug of another plugin of the same folder, whose settings and users' settings this one shares.",
		},
		{Name: "config_form", In: "check", Type: "forms.field[]", Text: "Settings of one check; read as `check.FIELD` and `check.config.FIELD`."},
		{Name: "user_config_form", In: "alert", Type: "forms.field[]", Text: "Settings of one user; read as `user.SLUG_settings.FIELD`."},
		{
			Name: "service_config_form",
			In:   "alert",
			Type: "forms.field[]",
			Text: "Settings of one service; read as `service.SLUG_settings.FIELD`.",
		},
		{
			Name: "needs",
			In:   "alert",
			Type: "string[]|string[][]",
			Text: "Names of the fields without which the plugin cannot send: in `settings_form`, or in `service_config_form` for one " +
				"service. Several lists are alternatives, of which one suffices. Pages, `doctor` and the log say what is missing until " +
				"it is filled in.",
		},
		{Name: "channel", In: "alert", Type: `"phone"|"sms"|"email"|"chat"|"other"`, Text: "Which flood limit holds (`\"other\"`)."},
	}
	keys = append(keys,
		functionKey("check", true, `run(check: check, result: result): result -- Makes the check and returns result. In a plugin with ping it may return nil: nothing new.`),
		functionKey("check", false, `ping(check: check, ping: ping, result: result): result -- Called when check.ping_url is fetched; returns result, or nil for no result.`),
		functionKey("check", false, `description(check: check): string -- One line on what the check does.`),
		functionKey("alert", true, `send_alert(service: service, users: user[], duty_officers: user[]): boolean|string, string, alert.retry -- Tells people. Returns true; "skipped", why; or false, why [, { retry = false } or { retry_after = seconds }].`),
		functionKey("alert", false, `send_alert_update(service: service, users: user[], duty_officers: user[]): boolean|string, string, alert.retry -- Called for the kinds acknowledged, unacknowledged, update and deescalation, in place of send_alert.`),
		functionKey("both", false, `clean(values: table, form: string): table, table -- Validates a form as a whole, form being "config", "settings", "user" or "service"; returns values, or nil and { field = "message" } ("" for the whole form).`),
		Key{Name: "urls", In: "both", Type: "plugin.route[]", Text: "The plugin's own web views, below `/plugins/SLUG/`."},
	)
	return keys
}

func functionKey(in string, required bool, line string) Key {
	f := parseFunction(line)
	f.Method = true
	return Key{Name: f.Name, In: in, Required: required, Type: "function", Function: &f, Text: f.Text}
}

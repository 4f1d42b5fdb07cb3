package describe

const httpOptionLines = `
	query?: table|string -- Joined to the URL's own query.
	headers?: table -- Names and values; an array of values repeats a name.
	body?: string -- The body as it is.
	json?: any -- A value, sent as JSON.
	form?: table|string -- Names and values, sent as a form.
	auth?: http.auth -- { user, password }.
	timeout?: number -- Seconds for all of it.
	verify?: boolean -- Whether the certificate must be trusted (true).
	ca?: string -- Certificates to trust, in PEM.
	client_cert?: string -- The own certificate, in PEM.
	client_key?: string -- Its key, in PEM.
	redirects?: boolean|integer -- Whether to follow redirects, or how many (10).
	keep_method?: boolean -- Whether 301 and 302 keep the method and the body (false: they become a GET without, as in browsers; 307 and 308 always keep them, 303 never).
	max_body?: integer -- Bytes of the body that are read (1 MiB); 0 reads none.
	body_timeout?: number -- Makes the body optional: what has not come so many seconds after the headers, or breaks off, is left out, and truncated says so. Without it the body is waited for.
	raw?: boolean -- Whether the body is left as it came (false: text becomes UTF-8 by its charset or byte order mark; what is no text stays as it is).
	connect_to?: string -- "host:port" to connect to in place of the URL's.
`

func optionObjects() []Object {
	auth := optionsTable("http.auth", "A login: two values by position, or by name.", `
		user?: string -- The user.
		password?: string -- The password.
	`)
	command := optionsTable("exec.command", "A program and its arguments, by position, and options.", `
		stdin?: string -- What it reads.
		timeout?: number -- Seconds that it may take.
		env?: table -- Further environment variables. A plugin may set LANG, LANGUAGE, LC_…, TZ, TERM, COLUMNS, LINES, NO_COLOR, PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH, those that the plugin command sets, and names that begin with ALERT_, CHECK_, HOST_, SERVICE_, NAGIOS_, ICINGA_ or MONITOR_; others, by which programs load code or files, are denied unless the operator names them with --allow-env.
	`)
	arguments := Object{
		Name:    "forms.arguments",
		Text:    "The arguments of a field: its name first, then these.",
		Options: true,
		Fields:  FieldArguments(),
	}
	auth.Positions, command.Positions, arguments.Positions = true, true, true
	return []Object{auth, command, arguments,
		optionsTable("metric.options", "The third argument of `result:metric`.", `
			unit?: string -- Its unit.
			warn?: number -- From where it is a warning; drawn on the chart.
			fail?: number -- From where it is a failure; drawn on the chart.
			min?: number -- The least that it can be.
			max?: number -- The most that it can be.
		`),
		optionsTable("http.options", "Options of requests. Only one of body, json and form can be given.", httpOptionLines),
		optionsTable("http.request", "A request that names everything.", "method?: string -- GET when left out.\nurl: string -- Where to.\n"+httpOptionLines),
		optionsTable("utf8.fit", "Options of `utf8.fit`.", `
			unit?: "characters"|"bytes"|"utf16" -- What most is counted in (characters).
			separator?: string -- What stands between lines (a line break).
		`),
		optionsTable("tcp.options", "Options of `tcp.connect`.", `
			timeout?: number -- Seconds for connecting, and for each operation.
			tls?: boolean|tcp.tls -- Whether to speak TLS, or how.
		`),
		optionsTable("tcp.tls", "How TLS is spoken.", `
			server_name?: string -- The name that the certificate must be for; the host when left out.
			verify?: boolean -- Whether the certificate must be trusted (true).
			ca?: string -- Certificates to trust, in PEM.
		`),
		optionsTable("tls.options", "Options of `tls.certificate`.", `
			server_name?: string -- The name to ask for; the host when left out.
			starttls?: "smtp"|"imap"|"pop3"|"ftp"|"postgresql" -- How TLS is begun.
			timeout?: number -- Seconds for all of it.
		`),
		optionsTable("dns.options", "Options of `dns.lookup`.", `
			server?: string -- The server to ask, "address" or "address:port".
			timeout?: number -- Seconds for all of it.
		`),
		optionsTable("icmp.options", "Options of `icmp.ping`.", `
			count?: integer -- How many packets.
			interval?: number -- Seconds from one to the next.
			size?: integer -- Bytes of each.
			timeout?: number -- Seconds to wait for each.
		`),
		optionsTable("smtp.message", "A message, and the server that takes it.", `
			host: string -- The server.
			port?: integer -- Its port; left out, that of security.
			security?: "starttls"|"tls"|"none" -- How the connection is secured (starttls).
			username?: string -- The login.
			password?: string -- Its password.
			from: string -- The sender's address.
			to?: string|string[] -- Addresses.
			cc?: string|string[] -- Further addresses.
			subject?: string -- The subject.
			text?: string -- Plain text.
			html?: string -- The same as a page.
			headers?: table -- Further headers.
			timeout?: number -- Seconds for all of it.
			verify?: boolean -- Whether the certificate must be trusted (true).
			ca?: string -- Certificates to trust, in PEM.
		`),
		optionsTable("json.options", "Options of decoding.", `
			null?: "keep" -- "keep" keeps null as json.null in objects, too.
		`),
		optionsTable("url.build", "What `url.build` takes.", `
			scheme?: string -- "https".
			user?: string -- The user.
			password?: string -- The password.
			host?: string -- Without the port.
			port?: integer -- The port.
			path?: string -- The path.
			query?: table|string -- The query.
			fragment?: string -- What stands behind #.
		`),
	}
}

// Alias is a name for a set of texts.
type Alias struct {
	Name   string
	Values []string
	Text   string
}

// Aliases returns the names of sets of texts that types use.
func Aliases() []Alias {
	return []Alias{
		{"status", []string{"PASSING", "WARNING", "ERROR", "CRITICAL"}, "The status of a service or instance."},
		{"severity", []string{"WARNING", "ERROR", "CRITICAL"}, "How bad a failure is."},
		{"alert_kind", []string{"firing", "escalation", "deescalation", "update", "repeat", "recovery", "acknowledged", "unacknowledged", "test"}, "What an alert is about."},
		{"role", []string{"viewer", "operator", "editor", "admin"}, "What a user may do; each may do what those before it may."},
		{"encoding", []string{"hex", "base64", "raw"}, "How bytes are written."},
		{"hash", []string{"md5", "sha1", "sha256", "sha512"}, "A hash."},
		{"error_kind", []string{"timeout", "refused", "unreachable", "closed", "dns", "tls", "protocol", "too_large", "denied", "invalid", "not_found"},
			"What kind of failure it was: the third value of functions that can fail."},
	}
}

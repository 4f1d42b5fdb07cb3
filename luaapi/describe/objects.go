package describe

// Objects returns all objects that plugins are given, and all tables that the
// modules' functions take and return.
func Objects() []Object {
	var list []Object
	list = append(list, checkObjects()...)
	list = append(list, alertObjects()...)
	list = append(list, viewObjects()...)
	list = append(list, answerObjects()...)
	list = append(list, optionObjects()...)
	return append(list, testingObjects()...)
}

func checkObjects() []Object {
	check := object("check", "The check that is made. Read-only. Every field of `config_form` can be read from it, too.", `
		id: string -- Identity.
		name: string -- The check's name.
		instance_set: instance[] -- The instances that it belongs to.
		service_set: check.service[] -- The services that it belongs to.
		importance: severity -- Its importance.
		interval: number -- Seconds from run to run.
		timeout: number -- Seconds that a run may take.
		active: boolean -- Whether it is run.
		config: table -- The values of config_form.
		last_result?: check.last_result -- The result before this one, or nil.
		watched_since?: number -- Since when the check has been watched without a break: the monitor's start, or when the check was made or activated. What stayed away before may have come unheard. nil for a check that is not run.
		ping_url: string -- The address that makes a ping, of a plugin with ping; else "".
	`)
	check.Open = true
	result := object("result", "What the run found. The only object that a plugin may write to; another key or a wrong type raises, and nil resets.", `
		succeeded: boolean -- Whether the check passed (false).
		error: string -- Why it did not pass; cut at 1,000 characters.
		message: string -- One line that is shown when it passed.
		raw_data: string -- Text kept with the result; cut at 5,000 characters.
		severity?: severity -- In place of the check's importance, when it failed.
		unknown: boolean -- The check could not be made; wins over succeeded (false). What it counts as is the check's no_data.
		:metric(name: string, value: number|nil, options?: string|metric.options): nil -- Keeps a number with the result, 100 at most; the last of one name wins, and nil, NaN and infinite values are dropped. The third argument is a unit or a table.
	`)
	result.Writable = true
	return []Object{check, result,
		object("check.last_result", "`check.last_result`.", `
			succeeded: boolean -- Whether it passed.
			unknown: boolean -- Whether the check could not be made.
			error: string -- Its error.
			at: number -- When it began.
		`),
		object("check.service", "A service that a check belongs to.", `
			id: string -- Identity.
			name: string -- Its name.
			url: string -- Its URL.
			overall_status: status -- Its status.
		`),
		object("instance", "An instance: a machine, or what stands for one.", `
			id: string -- Identity.
			name: string -- Its name.
			address: string -- Its address.
			overall_status: status -- Its status.
		`),
		object("ping", "A ping that came in.", `
			kind: "success"|"start"|"fail"|"exit"|"log" -- "success", "start", "fail", "exit" or "log".
			code: integer -- The exit code, of kind exit; else 0.
			run_id: string -- The caller's own mark of the run.
			body: string -- What was posted.
			at: number -- When it came.
			address: string -- Where it came from.
		`),
	}
}

func alertObjects() []Object {
	return []Object{
		object("service", "The service, or instance, that an alert is about: a snapshot of the event. Read-only. `service.SLUG_settings` are the values of `service_config_form`.", `
			kind: "service"|"instance" -- "service" or "instance".
			id: string -- Identity.
			name: string -- Its name.
			url: string -- Its URL; "" for an instance.
			address: string -- Its address; "" for a service.
			instances: instance[] -- Its instances; of an instance itself.
			overall_status: status -- Its status.
			old_overall_status: status -- Its status before this event.
			worst_status: status -- The worst of this incident.
			last_alert_sent?: number -- When an alert of this incident was sent last, or nil.
			page_url: string -- Its page.
			incident_url: string -- The page of the incident, which says what failed, who was told and what was done; page_url in a test.
			runbook_link: string -- Its runbook.
			alert_kind: alert_kind -- What happened.
			incident_key: string -- One for all events of an incident: letters, digits and -.
			delivery_id: string -- One for all attempts of a delivery.
			attempt: integer -- From 1.
			alert_number: integer -- Which alert of the incident this is.
			event_at: number -- When the event was.
			incident_opened_at: number -- When the incident began.
			:get_status_message(include_checks_failing?: boolean, most?: integer, unit?: "characters"|"bytes"|"utf16"): string -- The event in one line of plain text. That of a test reads as that of a real event: alert_kind tells. With most it is no longer than that: names and errors are cut, and after the checks that fit it says how many more there are.
			:all_failing_checks(): check_record[] -- The checks that fail.
			:all_passing_checks(): check_record[] -- The checks that pass.
			:unexpired_acknowledgement(): acknowledgement? -- Who has taken the incident on, or nil.
			:mark_sent(user: user): nil -- Keeps that this delivery reached this user: further attempts leave the user out.
		`),
		object("check_record", "A check of a service, as an alert sees it.", `
			id: string -- Identity.
			name: string -- Its name.
			plugin: string -- The slug of its plugin.
			importance: severity -- Its importance.
			severity: string -- How badly it fails; "" when it passes.
			unknown: boolean -- Whether it could not be made.
			error: string -- Its error.
			message: string -- Its message.
			description: string -- What its plugin says that it does.
			since: number -- Since when it is so.
			runbook_link: string -- Its runbook.
			page_url: string -- Its page.
			metrics: metric[] -- The numbers of its last result.
		`),
		object("metric", "A number that a result holds.", `
			name: string -- Its name.
			value: number -- Its value.
			unit: string -- Its unit.
			warn?: number -- From where it is a warning.
			fail?: number -- From where it is a failure.
			min?: number -- The least that it can be.
			max?: number -- The most that it can be.
		`),
		object("acknowledgement", "Who has taken an incident on.", `
			user: string -- The username.
			comment: string -- What was said.
			at: number -- When.
			expires_at?: number -- Until when, or nil.
		`),
		object("user", "A user that is told. Read-only. `user.SLUG_settings` are the values of `user_config_form`.", `
			id: string -- Identity.
			username: string -- The login.
			first_name: string -- First name.
			last_name: string -- Last name.
			email: string -- Address of mail.
			time_zone: string -- An IANA name.
			role: role -- What the user may do.
		`),
		optionsTable("alert.retry", "The third value that `send_alert` returns with false.", `
			retry?: boolean -- false: do not try again.
			retry_after?: number -- Try again after so many seconds.
		`),
	}
}

func viewObjects() []Object {
	return []Object{
		object("plugin", "`self`: the plugin's table, with what is there beside its own keys.", `
			settings: table -- The values of settings_form.
			:view_url(path: string, query?: table|string): string [fails] -- The absolute address of one of the plugin's views; nil and a message when the site has no public address.
		`),
		optionsTable("plugin.route", "An entry of `urls`.", `
			path: string -- Below /plugins/SLUG/, exactly.
			methods?: string[] -- { "GET" } when left out.
			public?: boolean -- Lets anyone in; the view checks who it is.
			role?: role -- What the caller must be ("viewer").
			view: fun(self: plugin, request: request): view.answer -- Answers.
		`),
		object("request", "A request to a view. Read-only.", `
			method: string -- "GET" and so on.
			url: string -- As requested, from outside.
			path: string -- Below the slug.
			query: free -- The query's values; nil where there is none.
			headers: free -- The headers; nil where there is none.
			body: string -- The bytes of the body.
			user?: user -- Who is logged in, or nil.
			address: string -- Where it came from.
			monitor: monitor -- What a view may ask and do.
			:json(options?: json.options): any [fails] -- The body as JSON.
			:form(): table [fails] -- The body as a form.
		`),
		object("monitor", "`request.monitor`: acts with the caller's role, and in a public view as the plugin. Failures come as nil, message and one of not_found, unknown_user, not_failing, other_incident, denied.", `
			:service(id: string): service [fails] -- A service.
			:check(id: string): check [fails] -- A check of this plugin.
			:users(): user[] [fails] -- All active users; callers who are no admins see of the others only names.
			:acknowledge(service_id: string, username: string, comment?: string, options?: monitor.acknowledge): boolean [fails] -- Takes an incident on.
			:record(check_id: string, result: monitor.result): boolean [fails] -- Gives a check of this plugin a result.
		`),
		optionsTable("view.answer", "What a view returns.", `
			status?: integer -- 200 when left out.
			headers?: table -- Names and values.
			body?: string -- Plain text, unless headers say otherwise.
			json?: any -- A value, sent as JSON.
			html?: string -- A page.
		`),
		optionsTable("monitor.acknowledge", "Options of `monitor.acknowledge`.", `
			incident_key?: string -- Only this incident.
			expires_in?: number -- Seconds that it holds.
		`),
		optionsTable("monitor.result", "The result that `monitor.record` takes.", `
			succeeded?: boolean -- Whether the check passed.
			error?: string -- Why not.
			message?: string -- One line when it passed.
			unknown?: boolean -- The check could not be made.
			severity?: severity -- In place of the check's importance.
			raw_data?: string -- Text kept with it.
			metrics?: table -- Numbers by name, or an array of { name, value, unit, warn, fail, min, max }.
		`),
	}
}

func answerObjects() []Object {
	free := object("free", "A table with free keys: nil where there is none, and any can be walked with `pairs`.", ``)
	free.Open = true
	return []Object{free,
		object("http.response", "The answer to a request. Read-only.", `
			status: integer -- The HTTP status.
			headers: free -- By name, whatever its case.
			body: string -- The body, to max_body bytes. Text is UTF-8, from whatever charset its Content-Type, byte order mark or head names; gzip, deflate and zstd are undone.
			truncated: boolean -- Whether the body was longer, or had not come whole within body_timeout.
			undecoded: string -- Why the body cannot be read, such as "br" or "charset x"; "" when it can.
			url: string -- Where it came from, after redirects.
			timings: http.timings -- How long each part took.
			tls?: http.tls -- The certificate, of https; else nil.
			expiry?: expiry -- When the first certificate ends, of all those that this request and its redirects needed; nil when none was over https.
			error?: string -- Of http.all: why this request failed; nil of an answer.
			kind?: string -- Of http.all: the kind of failure; nil of an answer.
			:json(options?: json.options): any [fails] -- The body as JSON.
			:header_values(name: string): string[] -- All values of a header, not joined.
		`),
		object("http.timings", "Durations of a request, in seconds.", `
			dns: number -- Looking the name up.
			connect: number -- Connecting.
			tls: number -- Agreeing on TLS.
			first_byte: number -- Until the answer began.
			total: number -- All of it.
		`),
		object("http.tls", "The certificate of a response.", `
			not_after: number -- When it ends.
			issuer: string -- Who signed it.
			subject: string -- Whose it is.
			dns_names: string[] -- The names that it is for.
			verified: boolean -- Whether it can be trusted.
		`),
		object("expiry", "When the first certificate ends: that of the server, or one of those between it and a trusted root. Of several chains the one counts that is good for longest, and of a server that is not trusted its own certificate alone.", `
			at: number -- The instant.
			subject: string -- Whose the certificate is.
			leaf: boolean -- Whether it is the server's own.
			host?: string -- Of a response: the host of the URL or redirect that needed it.
		`),
		object("http.session", "A session of `http.session`. Its cookies are kept.", `
			:get(url: string, options?: http.options): http.response [fails waits] -- As http.get.
			:post(url: string, options?: http.options): http.response [fails waits] -- As http.post.
			:request(request: http.request): http.response [fails waits] -- As http.request.
		`),
		object("connection", "A stream of `tcp.connect`.", `
			:send(text: string): boolean [fails waits] -- Sends all of it.
			:receive(pattern?: string|integer, timeout?: number): string [fails waits] -- "*l" a line without its end (default), "*a" all until the other side closes, "*s" what has come, waiting while that is nothing, or so many bytes. What was received before a timeout is there for the next call.
			:starttls(options?: tcp.tls): boolean [fails waits] -- Goes on under TLS.
			:close(): boolean -- Closes it.
		`),
		object("certificate", "What `tls.certificate` returns.", `
			subject: string -- Whose it is.
			issuer: string -- Who signed it.
			not_before: number -- From when it holds.
			not_after: number -- When it ends.
			dns_names: string[] -- The names that it is for.
			verified: boolean -- Whether it can be trusted.
			verify_error?: string -- Why not.
			expiry: expiry -- When the first certificate ends that this one needs, itself included.
		`),
		object("dns.record", "A record of `dns.lookup`.", `
			type: string -- Its type.
			value: string -- Its value.
			ttl: number -- Seconds that it may be kept.
			preference?: number -- Of MX records and the like.
		`),
		object("icmp.answer", "What `icmp.ping` returns.", `
			sent: integer -- Packets sent.
			received: integer -- Packets that came back.
			loss: number -- Percentage lost.
			min?: number -- The quickest, in seconds; nil when nothing came back.
			avg?: number -- The average.
			max?: number -- The slowest.
			error?: string -- Of an array of hosts: why this one could not be pinged.
			kind?: string -- Of an array of hosts: the kind of failure.
		`),
		object("exec.answer", "What `exec.run` returns.", `
			code: integer -- The exit code.
			signal?: string -- What ended it, if a signal did.
			stdout: string -- What it wrote.
			stderr: string -- What it complained of.
		`),
		object("url.parts", "What `url.parse` returns. What is not in the URL is `\"\"`, but for user, password and port, which are nil.", `
			scheme: string -- "https".
			user?: string -- The user.
			password?: string -- The password.
			host: string -- Without the port.
			port?: integer -- The port.
			path: string -- The path, still escaped.
			query: string -- The query, still escaped.
			fragment: string -- What stands behind #.
		`),
		object("xml.element", "An element of `xml.parse`.", `
			name: string -- As written, with its prefix.
			attributes: free -- By name.
			text: string -- What stands directly in it.
			children: xml.element[] -- The elements in it.
		`),
	}
}

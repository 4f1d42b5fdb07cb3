package describe

func testingModule() Module {
	return Module{Name: "testing", Tests: true,
		Text: "Tests of a plugin, in `NAME_test.lua` beside `NAME.lua` (`plugin_test.lua` in a folder). The file returns a table of " +
			"functions whose names begin with `test_`. Store, stubs, settings, environment and clock are fresh for each test, and " +
			"no test reaches the network: what the plugin asks for and no stub answers fails the test. Of stubs for one target each " +
			"answers once, in turn, and the last again and again.",
		Functions: functions(`
			equal(got?: any, want?: any, message?: string): nil -- Fails unless both are equal; tables are when all in them is.
			matches(text?: any, pattern: string, message?: string): nil -- Fails unless the text matches a pattern of RE2.
			is_true(value?: any, message?: string): nil -- Fails unless the value is true.
			is_nil(value?: any, message?: string): nil -- Fails unless the value is nil.
			raises(fn: function, pattern?: string, message?: string): string -- Fails unless the function raises an error; returns its text.
			run(config: table, check?: testing.check): testing.result -- Runs the check with a config that is cleaned as its form does: what the form refuses raises.
			ping(config: table, ping?: testing.ping, check?: testing.check): testing.result -- Hands the plugin a ping; nil for no result.
			description(config: table, check?: testing.check): string -- What description says.
			clean(values: table, form?: string, slug?: string): table, table -- Cleans the values of the form "config" (default), "settings", "user" or "service": the values as the plugin sees them, or nil and a message for each field.
			send_alert(alert?: testing.alert): any, any, any -- Sends an alert, and returns what the plugin returned; what it left out is that of a service that has just begun to fail.
			send_alert_update(alert?: testing.alert): any, any, any -- As send_alert, through send_alert_update.
			view(method: string, path: string, options?: testing.view): http.response -- Calls a view and returns its answer.
			monitor(monitor: testing.monitor): nil -- What request.monitor knows.
			acknowledgements(): table[] -- What views acknowledged, in order.
			records(): table[] -- The results that views recorded, in order.
			log(): testing.line[] -- What the plugin logged in its last call.
			marked_sent(): string[] -- The usernames that were marked as reached.
			http(method: string, url: string, answer?: testing.http_answer, message?: string, kind?: error_kind): nil -- Answers requests for a URL; with nil, a message and a kind they fail.
			http_requests(): testing.http_request[] -- What the plugin requested, in order.
			tcp(host: string, port: integer, dialogue?: testing.step[], message?: string, kind?: error_kind): nil -- Answers a connection: { { expect, reply }, … }.
			dns(name: string, type: string, records?: table, message?: string, kind?: error_kind): nil -- Answers look-ups: an array of values, or of records.
			icmp(host: string, answer?: testing.icmp_answer, message?: string, kind?: error_kind): nil -- Answers pings.
			exec(argv: string|string[], answer?: testing.exec_answer, message?: string, kind?: error_kind): nil -- Answers runs of a program with just these arguments. An answer beside a message is what was printed until then.
			smtp(message?: string|testing.smtp, kind?: error_kind): nil -- Takes mail; with a message it fails, and { refused = { address, … } } refuses some.
			smtp_messages(): smtp.message[] -- The messages that were sent or tried, in order.
			certificate(host: string, port: integer, answer?: testing.certificate, message?: string, kind?: error_kind): nil -- Answers tls.certificate.
			setenv(name: string, value?: string): nil -- Sets a variable of the environment; nil removes it.
			settings(values?: table, slug?: string): nil -- Saves the site-wide settings; nil is a form that nobody saved.
			at(instant: number): nil -- Sets the clock, which then moves with time.sleep alone.
		`)}
}

const testCheckLines = `
	slug?: string -- Which plugin of the folder.
	id?: string -- Identity.
	name?: string -- Its name.
	instance_set?: table[] -- Instances: { id, name, address, overall_status }.
	service_set?: table[] -- Services: { id, name, url, overall_status }.
	importance?: severity -- Its importance.
	interval?: number -- Seconds from run to run.
	timeout?: number -- Seconds that a run may take.
	active?: boolean -- Whether it is run.
	last_result?: check.last_result -- The result before this one.
	ping_url?: string -- The address that makes a ping.
	watched_since?: number -- Since when the check has been watched without a break.
`

func testingObjects() []Object {
	auth := object("testing.http_request", "A request that the plugin made.", `
		method: string -- The method.
		url: string -- The URL, with its query.
		headers: free -- The headers, by name in any case.
		body: string -- The body.
		auth?: string[] -- { user, password }.
		verify: boolean -- Whether the certificate had to be trusted.
		redirects: integer -- How many would be followed.
		connect_to: string -- Where it was to connect to.
		:json(options?: json.options): any [fails] -- The body as JSON.
	`)
	step := optionsTable("testing.step", "A step of a connection's dialogue: what is expected and what is replied, by position or by name.", `
		expect?: string -- What the plugin must send first; left out, nothing.
		reply?: string -- What it is then sent.
		close?: boolean -- Whether the connection is closed after that.
	`)
	step.Positions = true
	return []Object{auth,
		object("testing.result", "The result of a run, as the monitor would keep it.", `
			succeeded: boolean -- Whether it passed.
			unknown: boolean -- Whether the check could not be made.
			cause?: string -- Why it is unknown or failed, when not by the plugin's word.
			error: string -- The error.
			message: string -- The message.
			raw_data: string -- The raw data.
			severity?: severity -- The severity.
			timed_out: boolean -- Whether the deadline ended it.
			traceback?: string -- Of an error in the plugin.
			metrics: table -- An array of metrics, which are also found by name.
			log: testing.line[] -- What was logged.
		`),
		object("testing.line", "A line of a log.", `
			level: string -- "debug", "info", "warn" or "error".
			message: string -- What it says.
		`),
		optionsTable("testing.check", "Fields of the check that a test makes.", testCheckLines),
		optionsTable("testing.ping", "A ping.", `
			kind?: string -- "success" (default), "start", "fail", "exit" or "log".
			code?: integer -- The exit code.
			run_id?: string -- The caller's mark.
			body?: string -- What was posted.
			at?: number -- When.
			address?: string -- Where from.
		`),
		optionsTable("testing.alert", "An alert.", `
			slug?: string -- Which plugin of the folder.
			service?: testing.service -- The service.
			users?: testing.user[] -- The users.
			duty_officers?: testing.user[] -- The duty officers.
			settings?: table -- The site-wide settings.
		`),
		optionsTable("testing.service", "A service of a test.", `
			kind?: string -- "service" (default) or "instance".
			id?: string -- Identity.
			name?: string -- Its name.
			url?: string -- Its URL.
			address?: string -- Its address.
			instances?: table[] -- Instances.
			overall_status?: status -- Its status.
			old_overall_status?: status -- Its status before.
			worst_status?: status -- The worst of the incident.
			last_alert_sent?: number -- When.
			page_url?: string -- Its page.
			incident_url?: string -- The page of the incident; page_url when left out.
			runbook_link?: string -- Its runbook.
			alert_kind?: string -- "firing" when left out.
			incident_key?: string -- Of the incident.
			delivery_id?: string -- Of the delivery.
			attempt?: integer -- From 1.
			alert_number?: integer -- From 1.
			event_at?: number -- When.
			incident_opened_at?: number -- When.
			failing_checks?: table[] -- Records of checks.
			passing_checks?: table[] -- Records of checks.
			acknowledgement?: table -- { user, comment, at, expires_at }.
			settings?: table -- The values of service_config_form.
		`),
		optionsTable("testing.user", "A user of a test.", `
			id?: string -- Identity.
			username?: string -- The login.
			first_name?: string -- First name.
			last_name?: string -- Last name.
			email?: string -- Address of mail.
			time_zone?: string -- UTC when left out.
			role?: role -- viewer when left out.
			settings?: table -- The values of user_config_form.
		`),
		optionsTable("testing.view", "A request to a view.", `
			headers?: table -- Names and values.
			body?: string -- The body as it is.
			json?: any -- A value, sent as JSON.
			form?: table|string -- Sent as a form.
			query?: table|string -- Joined to the path's own.
			user?: string|testing.user -- Who is logged in.
			address?: string -- Where it comes from.
			slug?: string -- Which plugin of the folder.
		`),
		optionsTable("testing.monitor", "What request.monitor knows.", `
			services?: testing.service[] -- The services.
			checks?: testing.monitor_check[] -- The checks.
			users?: testing.user[] -- The users.
			slug?: string -- Which plugin of the folder.
		`),
		optionsTable("testing.monitor_check", "A check that request.monitor knows.", testCheckLines+"config?: table -- The values of config_form.\n"),
		optionsTable("testing.http_answer", "The answer to a request.", `
			status?: integer -- 200 when left out.
			headers?: table -- Names and values.
			body?: string -- The body as it is.
			json?: any -- A value, sent as JSON.
			truncated?: boolean -- Whether the body was cut.
			undecoded?: string -- Why the body cannot be read.
			timings?: testing.timings -- How long it took.
			tls?: testing.tls -- The certificate.
		`),
		step,
		optionsTable("testing.timings", "How long a request took, in seconds.", `
			dns?: number -- Looking the name up.
			connect?: number -- Connecting.
			tls?: number -- Agreeing on TLS.
			first_byte?: number -- Until the answer began.
			total?: number -- All of it.
		`),
		optionsTable("testing.tls", "The certificate of an answer.", `
			not_after?: number -- When it ends.
			issuer?: string -- Who signed it.
			subject?: string -- Whose it is.
			dns_names?: string|string[] -- The names that it is for.
			verified?: boolean -- Whether it can be trusted.
			expiry?: testing.expiry -- The first certificate of its chain to end; left out, itself.
		`),
		optionsTable("testing.expiry", "The certificate of a chain that ends first.", `
			at?: number -- When it ends.
			subject?: string -- Whose it is.
		`),
		optionsTable("testing.icmp_answer", "The answer to pings.", `
			sent?: integer -- Packets sent; left out, as many as were asked for.
			received?: integer -- Packets that came back; left out, all.
			loss?: number -- Percentage lost, in place of received.
			min?: number -- The quickest.
			avg?: number -- The average.
			max?: number -- The slowest.
		`),
		optionsTable("testing.exec_answer", "What a program did.", `
			code?: integer -- The exit code.
			signal?: string -- What ended it.
			stdout?: string -- What it wrote.
			stderr?: string -- What it complained of.
		`),
		optionsTable("testing.smtp", "How mail is taken.", `
			refused?: string|string[] -- Addresses that are refused.
		`),
		optionsTable("testing.certificate", "The certificate of a server.", `
			subject?: string -- Whose it is.
			issuer?: string -- Who signed it.
			not_before?: number -- From when it holds.
			not_after?: number -- When it ends.
			dns_names?: string|string[] -- The names that it is for.
			verified?: boolean -- Whether it can be trusted.
			verify_error?: string -- Why not.
			expiry?: testing.expiry -- The first certificate of its chain to end; left out, itself.
		`),
	}
}

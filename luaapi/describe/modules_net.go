package describe

// Modules returns all modules that plugins and their tests can require, in
// order of name. A table inside a module stands behind it: "store.shared".
func Modules() []Module {
	return []Module{
		base64Module(), bytesModule(), cryptoModule(), dnsModule(), execModule(), formsModule(), htmlModule(), httpModule(), icmpModule(),
		jsonModule(), logModule(), reModule(), recipientsModule(), smtpModule(), storeModule(), sharedModule(), tcpModule(), testingModule(),
		timeModule(), tlsModule(), urlModule(), utf8Module(), xmlModule(),
	}
}

func httpModule() Module {
	return Module{Name: "http",
		Text: "HTTP and HTTPS requests. Any status is an answer: only a request that got none fails. Header names are " +
			"case-insensitive, and repeats are joined with `, `. Connections are kept for less than a minute and for this plugin " +
			"alone; a kept one that breaks before the answer begins is replaced once. Cookies that a redirect sets go along with " +
			"it. The methods CONNECT and PRI cannot be sent.",
		Functions: functions(`
			get(url: string, options?: http.options): http.response [fails waits] -- Requests a URL with GET.
			post(url: string, options?: http.options): http.response [fails waits] -- Requests a URL with POST.
			request(request: http.request): http.response [fails waits] -- Makes a request of any method.
			session(defaults?: http.options): http.session [waits] -- A session: its requests share the defaults, and the cookies that servers set.
			all(requests: (http.request|string)[]): http.response[] [fails waits] -- Makes requests, up to 16 at a time, and returns the answers in their order; one that failed is { error, kind }, and of an answer error is nil.
		`),
		Example: `local http = require "http"
local response, problem, kind = http.get("https://example.org/status", { query = { page = 2 }, timeout = 5 })
response.status --> 200
response:json().state --> "ok"
response.headers["content-type"] --> "application/json"
problem --> nil
local answers = http.all{ "https://example.org/status?page=2", { method = "POST", url = "https://example.org/gone" } }
answers[1].status --> 200
answers[2].kind --> "refused"`}
}

func tcpModule() Module {
	return Module{Name: "tcp", Text: "Streams over TCP, with or without TLS. What a run opened is closed at its end.",
		Functions: functions(`
			connect(host: string, port: integer, options?: tcp.options): connection [fails waits] -- Opens a connection.
		`),
		Example: `local tcp = require "tcp"
local connection = tcp.connect("mail.example", 25, { timeout = 5 })
connection:receive("*l") --> "220 mail.example ready"
connection:send("QUIT\r\n") --> true
connection:receive("*l") --> "221 bye"
connection:close() --> true`}
}

func tlsModule() Module {
	return Module{Name: "tls", Text: "Certificates of TLS servers, also of those that cannot be trusted.",
		Functions: functions(`
			certificate(host: string, port?: integer, options?: tls.options): certificate [fails waits] -- The certificate that a server shows; the port is 443 when left out.
		`),
		Example: `local tls, time = require "tls", require "time"
local certificate = tls.certificate("shop.example", 443)
certificate.verified --> false
certificate.verify_error --> "certificate has expired"
certificate.not_after < time.now() --> true`}
}

func dnsModule() Module {
	return Module{Name: "dns", Text: "Look-ups in the DNS.",
		Functions: functions(`
			lookup(name: string, type?: string, options?: dns.options): dns.record[] [fails waits] -- The records of a name: A when no type is given. An empty array when the name has none of that type; kind dns for NXDOMAIN and SERVFAIL. Names in any script will do.
			canonical(type: string, value: string): string -- The one form of a record's value, by which two that mean the same are equal: "2001:db8:0::1" is "2001:db8::1", "Mail.Example." is "mail.example".
		`),
		Example: `local dns = require "dns"
local records = dns.lookup("shop.example", "MX")
records[1].value --> "mail.shop.example"
records[1].preference --> 10`}
}

func icmpModule() Module {
	return Module{Name: "icmp", Text: "Pings.",
		Functions: functions(`
			ping(host: string|string[], options?: icmp.options): icmp.answer [fails waits] -- Pings a host. That nothing came back is an answer: received is 0. Of an array of hosts, up to 16 at a time, it returns an array of answers in that order, in which a host that could not be pinged is { error, kind }.
		`),
		Example: `local icmp = require "icmp"
local answer = icmp.ping("router.example", { count = 4 })
answer.received --> 3
answer.loss --> 25`}
}

func smtpModule() Module {
	return Module{Name: "smtp", Text: "Sends mail through a server.",
		Functions: functions(`
			send(message: smtp.message): boolean, string[] [fails waits] -- Sends one message: true, and the addresses that the server refused. It fails when all were refused.
		`),
		Example: `local smtp = require "smtp"
local sent, refused = smtp.send{
  host = "mail.example", from = "monitor@example.org", to = { "ada@example.org" }, subject = "Shop is down", text = "It is.",
}
sent --> true
#refused --> 0`}
}

func execModule() Module {
	return Module{
		Name: "exec",
		Text: "Runs programs that the operator allows, without a shell. Their environment is PATH and LANG=C, and what env adds. They " +
			"run as the monitor's own user: one that reads a file named in its arguments reads `secret.key`, too, and so is not one " +
			"to allow.",
		Functions: functions(`
			run(command: exec.command): exec.answer [fails waits] -- Runs a program: its absolute path and its arguments, by position. Kind denied when the operator does not allow it. With kind timeout a fourth value says what was printed until then: { stdout, stderr }.
			split(text: string): string[] [fails] -- Parts a command line into words as a POSIX shell does; nothing is expanded.
		`),
		Example: `local exec = require "exec"
local answer = exec.run{ "/usr/bin/uptime", "-p", timeout = 5 }
answer.code --> 0
answer.stdout --> "up 3 days\n"
exec.split("check_disk -w '10 %'")[3] --> "10 %"`,
	}
}

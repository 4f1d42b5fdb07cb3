package plugintest

import "testing"

// pagerSource is a folder's main file with two alert plugins that share their
// settings, and views.
const pagerSource = `local forms, log, json = require "forms", require "log", require "json"
local Call = {
  name = "Call", slug = "pager_call", version = "1", channel = "phone",
  settings_form = { forms.CharField{ "token", widget = forms.PasswordInput } },
  user_config_form = { forms.CharField{ "number" } },
  service_config_form = { forms.CharField{ "key", required = false } },
}
local ANSWERS = {
  sent = function() return true end, skipped = function() return "skipped", "nobody" end,
  failed = function() return false, "no" end, never = function() return false, "no", { retry = false } end,
  later = function() return false, "no", { retry_after = 7 } end, nothing = function() end, crash = function() error("boom") end,
}
function Call:send_alert(service, users, duty_officers)
  for _, user in ipairs(users) do
    log.info(user.username .. " " .. user.pager_call_settings.number .. " " .. self.settings.token:sub(1, 2))
    service:mark_sent(user)
  end
  log.info(#duty_officers .. " " .. service.overall_status .. " " .. service.old_overall_status .. " " .. service.worst_status .. " " .. service.alert_kind)
  local ack = service:unexpired_acknowledgement()
  log.info(service:get_status_message() .. "; " .. (ack and ack.user or "nobody"))
  local key = service.pager_call_settings.key
  if key == "" then return true end
  return ANSWERS[key]()
end
function Call:send_alert_update(service) log.info("update " .. service.alert_kind) return true end
Call.urls = {
  { path = "hook", methods = { "POST" }, public = true, view = function(self, request)
    local body = request:json()
    local ok, message, kind = request.monitor.acknowledge(body.service, body.user, "by phone", { incident_key = body.key, expires_in = 60 })
    if not ok then return { status = 409, json = { error = message, kind = kind } } end
    return { status = 201, headers = { ["X-Token"] = self.settings.token }, json = { q = request.query.a, url = request.url } }
  end },
  { path = "page", role = "operator", view = function(self, request)
    local s = request.monitor.service("s1")
    return { html = request.user.username .. " " .. request.user.role .. " " .. s.overall_status .. " " .. #request.monitor.users() }
  end },
  { path = "crash", public = true, view = function() error("view boom") end },
}
local Text = { name = "Text", slug = "pager_text", version = "1", channel = "sms", settings_from = "pager_call" }
function Text:send_alert() log.info("text with " .. self.settings.token:sub(1, 2)) return true end
return { Call, Text }
`

func TestTestingAlerts(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"what is left out": `t.is_true(t.send_alert{ slug = "pager_call" })
			t.equal(t.log()[1].message, "0 ERROR PASSING ERROR firing")
			t.equal(t.log()[2].message, "Service Service reporting ERROR status: https://moonwatch.example/services/s1. Checks failing: ; nobody")`,
		"users, settings, officers": `t.settings{ token = "xyz" }
			t.is_true(t.send_alert{ slug = "pager_call", users = { { username = "ada", settings = { number = "1" } }, { settings = { number = "2" } } },
				duty_officers = { {}, {} }, service = { name = "Shop", kind = "instance", overall_status = "CRITICAL", page_url = "p",
					failing_checks = { { name = "a", error = "e" }, { name = "b" } }, acknowledgement = { user = "eve" } } })
			t.equal(t.log()[1].message, "ada 1 xy") t.equal(t.log()[2].message, "user2 2 xy") t.equal(t.log()[3].message, "2 CRITICAL PASSING CRITICAL firing")
			t.equal(t.log()[4].message, "Instance Shop reporting CRITICAL status: p. Checks failing: a (e), b; eve")
			t.equal(t.marked_sent(), { "ada", "user2" })`,
		"statuses follow the kind": `for kind, want in pairs{ recovery = "PASSING ERROR ERROR", escalation = "CRITICAL ERROR CRITICAL", deescalation = "WARNING ERROR ERROR",
				["repeat"] = "ERROR ERROR ERROR", test = "ERROR PASSING ERROR" } do
				t.is_true(t.send_alert{ slug = "pager_call", service = { alert_kind = kind } }) t.equal(t.log()[1].message, "0 " .. want .. " " .. kind)
			end`,
		"what it returned": `local function send(key) return { t.send_alert{ slug = "pager_call", service = { settings = { key = key } } } } end
			t.equal(send("sent"), { true }) t.equal(send("skipped"), { "skipped", "nobody" }) t.equal(send("failed"), { false, "no" })
			t.equal(send("never"), { false, "no", { retry = false } }) t.equal(send("later"), { false, "no", { retry_after = 7 } })
			t.raises(function() send("nothing") end, "send_alert returned nothing") t.raises(function() send("crash") end, "error in the plugin: .*boom")`,
		"update": `t.is_true(t.send_alert_update{ slug = "pager_call", service = { alert_kind = "acknowledged" } }) t.equal(t.log()[1].message, "update acknowledged")
			t.raises(function() t.send_alert_update{ slug = "pager_text" } end, "has no send_alert_update")`,
		"several plugins": `t.raises(function() t.send_alert{} end, "choose one by slug") t.raises(function() t.send_alert{ slug = "pager_txt" } end, "did you mean pager_text")
			t.settings{ token = "shared" } t.is_true(t.send_alert{ slug = "pager_text" }) t.equal(t.log()[1].message, "text with sh")
			t.is_true(t.send_alert{ slug = "pager_text", settings = { token = "own" } }) t.equal(t.log()[1].message, "text with ow")`,
		"wrong input": `for _, alert in ipairs{ { servce = {} }, { service = { alert_kind = "x" } }, { service = { overall_status = "BAD" } }, { service = { kind = "x" } },
				{ users = { { role = "x" } } }, { users = { "ada" } }, { users = { { settings = {} } } }, { settings = {} } } do
				alert.slug = "pager_call" t.raises(function() t.send_alert(alert) end)
			end`,
		"a view": `t.settings{ token = "x-token" }
			t.monitor{ services = { { id = "s7", incident_key = "i-1" }, { id = "s8", overall_status = "PASSING" } }, users = { { username = "ada" } } }
			local function post(body) return t.view("POST", "hook", { json = body, query = { a = "1 2" } }) end
			local r = post{ service = "s7", user = "ada", key = "i-1" }
			t.equal(r.status, 201) t.equal(r.headers["x-token"], "x-token") t.equal(r:json(), { q = "1 2", url = "https://moonwatch.example/plugins/pager_call/hook?a=1+2" })
			t.equal(t.acknowledgements(), { { service = "s7", user = "ada", comment = "by phone", incident_key = "i-1", expires_in = 60 } })
			for _, case in ipairs{ { "s9", "ada", nil, "not_found" }, { "s7", "bob", nil, "unknown_user" }, { "s8", "ada", nil, "not_failing" }, { "s7", "ada", "i-2", "other_incident" } } do
				t.equal(post{ service = case[1], user = case[2], key = case[3] }:json().kind, case[4])
			end
			t.equal(#t.acknowledgements(), 1)
			local a = t.acknowledgements()[1] t.equal(a.username .. a.service_id, "adas7")`,
		"who may": `t.monitor{ services = { {} }, users = { { username = "ada", role = "admin" } } }
			t.equal(t.view("GET", "/page").body, "user1 operator ERROR 1") t.equal(t.view("get", "page", { user = "ada" }).body, "ada admin ERROR 1")
			t.equal(t.view("GET", "page", { user = { username = "eve", role = "viewer" } }).status, 403)
			t.equal(t.view("GET", "nowhere").status, 404) t.equal(t.view("GET", "hook").status, 405) t.equal(t.view("HEAD", "page").status, 200)
			t.equal(t.view("GET", "crash").status, 500)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failures := testRuns(t, map[string]string{
				"pager/plugin.lua":      pagerSource,
				"pager/plugin_test.lua": "local t = require 'testing' return { test_it = function()\n" + body + "\nend }",
			}, "pager")
			if len(failures) > 0 {
				t.Error(failures)
			}
		})
	}
}

// probeSource speaks through every module that reaches outside, as it is told,
// and records results in a view.
const probeSource = `local forms, tcp, dns, icmp, exec, smtp, tls = require "forms", require "tcp", require "dns", require "icmp", require "exec", require "smtp", require "tls"
local json = require "json"
local P = { name = "Probe", slug = "probe", version = "1", config_form = { forms.CharField{ "what" } } }
local function told(v, problem, kind) return v and json.encode(v) or problem .. "/" .. kind end
local PROBES = {
  tcp = function()
    local c, problem, kind = tcp.connect("a.test", 25)
    if not c then return problem .. "/" .. kind end
    local greeting = c:receive("*l")
    c:send("HELO\r\n")
    return greeting .. " " .. c:receive("*l") .. " " .. told(c:receive("*l"))
  end,
  dns = function() return told(dns.lookup("a.test", "mx")) end,
  icmp = function() return told(icmp.ping("a.test", { count = 4 })) end,
  exec = function() return told(exec.run{ "/bin/a", "b c" }) end,
  smtp = function() return told(smtp.send{ host = "m.test", from = "m@test", to = "a@test", subject = "s", text = "t", headers = { ["X-A"] = "b" } }) end,
  tls = function() local c, problem, kind = tls.certificate("a.test", 443) return c and c.subject .. tostring(c.verified) .. tostring(c.verify_error) or problem .. "/" .. kind end,
}
function P:run(check, result) result.message, result.succeeded = PROBES[check.what](), true return result end
P.urls = { { path = "done", methods = { "POST" }, public = true, view = function(self, request)
  local ok, _, kind = request.monitor.record(request.query.check, { succeeded = true, message = "from a view", metrics = { rows = 3 } })
  return { json = { kind = kind } }
end } }
return P
`

func TestTestingStubs(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"tcp": `t.tcp("a.test", 25, { { "", "220 hi\r\n" }, { "HELO\r\n", "250 ok\r\n" } }) t.tcp("A.test", 25, nil, "refused", "refused")
			t.equal(say("tcp"), "220 hi 250 ok connection closed by a.test:25/closed") t.equal(say("tcp"), "refused/refused")`,
		"dns": `t.dns("a.test", "MX", { "one", { value = "two", ttl = 5, preference = 10 } }) t.dns("a.test", "MX", {}) t.dns("a.test", "MX", nil, "a.test does not exist", "dns")
			t.equal(json.decode(say("dns")), { { type = "MX", value = "one", ttl = 300 }, { type = "MX", value = "two", ttl = 5, preference = 10 } })
			t.equal(say("dns"), "[]") t.equal(say("dns"), "a.test does not exist/dns")`,
		"icmp": `t.icmp("a.test") t.icmp("a.test", { received = 1, avg = 0.5 }) t.icmp("a.test", { sent = 10, loss = 100 }) t.icmp("a.test", nil, "no", "denied")
			t.equal(json.decode(say("icmp")), { sent = 4, received = 4, loss = 0, min = 0.001, avg = 0.001, max = 0.001 })
			t.equal(json.decode(say("icmp")).loss, 75) t.equal(json.decode(say("icmp")), { sent = 10, received = 0, loss = 100 }) t.equal(say("icmp"), "no/denied")`,
		"exec": `t.exec({ "/bin/a", "b c" }, { code = 2, stdout = "out" }) t.exec("/bin/a 'b c'", nil, "may not be run", "denied")
			t.equal(json.decode(say("exec")), { code = 2, stdout = "out", stderr = "" }) t.equal(say("exec"), "may not be run/denied")`,
		"smtp": `t.smtp() t.smtp("550 no") t.equal(say("smtp"), "true") t.equal(say("smtp"), "550 no/refused")
			local m = t.smtp_messages()[1] t.equal(#t.smtp_messages(), 2)
			t.equal({ m.host, m.from, m.to, m.cc, m.subject, m.text, m.html, m.security, m.headers["x-a"] }, { "m.test", "m@test", { "a@test" }, {}, "s", "t", "", "starttls", "b" })
			t.raises(function() return m.subjct end, "subject")`,
		"certificate": `t.certificate("a.test", 443) t.certificate("a.test", 443, { subject = "CN=b", verify_error = "expired" }) t.certificate("a.test", 443, nil, "refused", "refused")
			t.equal(say("tls"), "CN=a.testtruenil") t.equal(say("tls"), "CN=bfalseexpired") t.equal(say("tls"), "refused/refused")`,
		"records": `t.monitor{ checks = { { id = "c7", config = { what = "x" } }, { id = "c8", config = { what = "x" }, active = false } } }
			local function done(id) return t.view("POST", "done", { query = "check=" .. id }):json().kind end
			t.is_nil(done("c7")) t.equal(done("c9"), "not_found") t.equal(done("c8"), "denied")
			local r = t.records()[1] t.equal(#t.records(), 1) t.equal({ r.check, r.succeeded, r.message, r.metrics.rows.value }, { "c7", true, "from a view", 3 })`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failures := testRuns(t, map[string]string{
				"probe.lua": probeSource,
				"probe_test.lua": "local t, json = require 'testing', require 'json' local function say(what) return t.run{ what = what }.message end return { test_it = function()\n" +
					body + "\nend }",
			}, "probe.lua")
			if len(failures) > 0 {
				t.Error(failures)
			}
		})
	}
}

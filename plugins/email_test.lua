local t = require "testing"

local SETTINGS = { host = "mail.example", from = "Moonwatch <alerts@moon.example>" }

local function send(alert)
  alert = alert or {}
  alert.settings = alert.settings or SETTINGS
  alert.users = alert.users or { { username = "ada", email = "ada@example.org" } }
  return t.send_alert(alert)
end

-- message sends and gives what arrived.
local function message(alert)
  t.smtp()
  t.is_true(send(alert))
  local all = t.smtp_messages()
  return all[#all]
end

return {
  test_firing = function()
    local m = message{
      service = {
        name = "Shop", overall_status = "CRITICAL", page_url = "https://moon.example/s1", incident_url = "https://moon.example/i7", runbook_link = "https://wiki.example/shop",
        incident_key = "i-7", delivery_id = "d-1",
        failing_checks = { { name = "front & page", error = "Wrong code", importance = "CRITICAL" } },
        passing_checks = { { name = "database", plugin = "tcp" } },
      },
      users = { { username = "ada", email = "ada@example.org" }, { username = "bob", email = "b@example.org", settings = { address = "pager@example.org" } } },
      duty_officers = { { username = "eve", email = "eve@example.org" } },
    }
    t.equal(m.to, { "ada@example.org", "pager@example.org", "eve@example.org" })
    t.equal(m.subject, "CRITICAL status for service: Shop")
    t.equal(m.headers["message-id"], "<d-1.i-7@moon.example>")
    t.equal(m.headers.References, "<i-7@moon.example>")
    t.equal(m.text, [[
Service Shop reporting CRITICAL status: https://moon.example/s1

Checks failing:
  FAILING - front & page - Type: http - Importance: CRITICAL
    Wrong code

Checks passing:
  PASSING - database - Type: tcp - Importance: ERROR

The incident: https://moon.example/i7

Runbook: https://wiki.example/shop
]])
    t.matches(m.html, "front &amp; page")
    t.equal(t.marked_sent()[3] and #t.marked_sent(), 3)
  end,

  test_recovery = function()
    local m = message{ service = { name = "Shop", alert_kind = "recovery" } }
    t.equal(m.subject, "Service back to normal: Shop")
  end,

  test_instance_and_test = function()
    t.equal(message{ service = { kind = "instance", name = "web1" } }.subject, "ERROR status for instance: web1")
    local test = message{ service = { name = "Shop", alert_kind = "test" } }
    t.equal(test.subject, "Test: ERROR status for service: Shop")
    t.matches(test.text, "^Test: Service Shop reporting ERROR status")
  end,

  test_a_test_goes_to_the_caller = function()
    local m = message{ service = { alert_kind = "test" }, users = { { email = "caller@example.org" } } }
    t.equal(m.to, { "caller@example.org" })
  end,

  test_officers_are_written_to_when_critical = function()
    local officers = { { username = "eve", email = "eve@example.org" } }
    t.equal(message{ duty_officers = officers }.to, { "ada@example.org" })
    t.equal(message{ duty_officers = officers, service = { overall_status = "CRITICAL" } }.to, { "ada@example.org", "eve@example.org" })
  end,

  test_security = function()
    for _, case in ipairs{
      { {}, "starttls" }, { { port = 465 }, "tls" }, { { port = 25 }, "none" }, { { port = 25, security = "tls" }, "tls" },
    } do
      local settings = { host = "mail.example", from = "a@b.example", port = case[1].port, security = case[1].security }
      t.equal(message{ settings = settings }.security, case[2])
    end
    t.setenv("EMAIL_USE_SSL", "true")
    t.equal(message().security, "tls")
  end,

  test_settings_from_the_environment = function()
    t.setenv("EMAIL_HOST", "relay.example")
    t.setenv("EMAIL_PORT", "2525")
    t.setenv("EMAIL_HOST_USER", "moon")
    t.setenv("EMAIL_HOST_PASSWORD", "s3cret-word")
    t.setenv("CABOT_FROM_EMAIL", "cabot@moon.example")
    local m = message{ settings = {} }
    t.equal({ m.host, m.port, m.username, m.password, m.from }, { "relay.example", 2525, "moon", "s3cret-word", "cabot@moon.example" })
  end,

  test_acknowledged = function()
    local m = message{ service = { acknowledgement = { user = "ada", comment = "on it" } } }
    t.matches(m.text, "Acknowledged by ada: on it")
  end,

  test_some_refused = function()
    t.smtp{ refused = { "bob@example.org" } }
    local ok, why = send{ users = { { username = "ada", email = "ada@example.org" }, { username = "bob", email = "bob@example.org" } } }
    t.equal(ok, false)
    t.equal(why, "The mail server refused bob@example.org")
    t.equal(t.marked_sent(), { "ada" })
  end,

  test_server_fails = function()
    t.smtp("connection refused by mail.example:587", "refused")
    local ok, why = send()
    t.equal(ok, false)
    t.equal(why, "Mail could not be sent: connection refused by mail.example:587")
    t.equal(t.marked_sent(), {})
  end,

  test_nobody = function()
    local what, why = send{ users = { { username = "ada" } } }
    t.equal(what, "skipped")
    t.equal(why, "nobody to write to has an address")
    t.equal(t.log(), { { level = "warn", message = "ada has no e-mail address" } })
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "EMAIL_HOST and CABOT_FROM_EMAIL")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean({ host = "no host", port = 0, security = "ssl" }, "settings")
    t.is_nil(values)
    for _, field in ipairs{ "host", "port", "security" } do t.matches(errors[field], ".", field) end
    values, errors = t.clean({ address = "ada" }, "user")
    t.is_nil(values)
    t.matches(errors.address, "mail")
  end,
}

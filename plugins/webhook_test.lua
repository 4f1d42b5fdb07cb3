local t = require "testing"
local crypto = require "crypto"

local URL = "https://receiver.example/hook"
local NOW = 1767225600 -- 2026-01-01T00:00:00Z

local function send(service, fields)
  service = service or {}
  service.settings = { url = URL }
  for name, value in pairs(fields or {}) do service.settings[name] = value end
  return t.send_alert{ service = service, users = { { username = "ada", first_name = "Ada" } }, duty_officers = { { username = "eve" } } }
end

return {
  test_document = function()
    t.at(NOW)
    t.http("POST", URL, { status = 202 })
    t.is_true(send{
      name = "Shop", incident_key = "i-7", delivery_id = "d-1", page_url = "https://moon.example/s1",
      failing_checks = { { id = "c1", name = "front", error = "timed out" } }, acknowledgement = { user = "ada", comment = "on it" },
    })
    local request = t.http_requests()[1]
    t.equal(request.headers["Content-Type"], "application/json")
    t.equal(request.headers["X-Moonwatch-Delivery"], "d-1")
    t.equal(request.headers["X-Moonwatch-Timestamp"], "1767225600")
    t.is_nil(request.headers["X-Moonwatch-Signature"])
    local d = request:json()
    t.equal({ d.version, d.kind, d.incident_key, d.event_at }, { 1, "firing", "i-7", "2026-01-01T00:00:00Z" })
    t.equal(d.message, "Service Shop reporting ERROR status: https://moon.example/s1. Checks failing: front (timed out)")
    t.equal(d.subject.overall_status, "ERROR")
    t.equal(d.failing_checks[1].error, "timed out")
    t.equal(d.passing_checks, {})
    t.equal(d.users, { { username = "ada", first_name = "Ada", last_name = "", email = "" } })
    t.equal(d.duty_officers[1].username, "eve")
    t.equal(d.acknowledgement.comment, "on it")
  end,

  test_a_test_says_so = function()
    t.http("POST", URL, {})
    t.is_true(send{ name = "Shop", alert_kind = "test" })
    local d = t.http_requests()[1]:json()
    t.equal(d.kind, "test")
    t.matches(d.message, "^Test: Service Shop reporting ERROR status")
  end,

  test_signature = function()
    t.at(NOW)
    t.http("POST", URL, {})
    t.is_true(send({}, { secret = "correct horse" }))
    local request = t.http_requests()[1]
    t.equal(request.headers["X-Moonwatch-Signature"], "sha256=" .. crypto.hmac("sha256", "correct horse", NOW .. "." .. request.body))
  end,

  test_own_headers = function()
    t.http("POST", URL, {})
    t.is_true(send({}, { headers = "Authorization: Bearer abc" }))
    t.equal(t.http_requests()[1].headers.authorization, "Bearer abc")
  end,

  test_every_kind_is_posted = function()
    t.http("POST", URL, {})
    t.is_true(t.send_alert_update{ service = { alert_kind = "acknowledged", settings = { url = URL } } })
    t.equal(t.http_requests()[1]:json().kind, "acknowledged")
  end,

  test_refused = function()
    t.http("POST", URL, { status = 404, body = "no  such\nhook" })
    local ok, why, options = send()
    t.equal(ok, false)
    t.equal(why, "The webhook answered 404: no such hook")
    t.is_nil(options)
  end,

  test_retry_after = function()
    t.at(NOW)
    for value, want in pairs{ ["30"] = 30, ["86400"] = 900, ["Thu, 01 Jan 2026 00:01:00 GMT"] = 60 } do
      t.http("POST", URL .. "?" .. want, { status = 503, headers = { ["Retry-After"] = value } })
      local ok, _, options = send({}, { url = URL .. "?" .. want })
      t.equal(ok, false)
      t.equal(options, { retry_after = want })
    end
  end,

  test_moved = function()
    t.http("POST", URL, { status = 301, headers = { Location = "https://new.example/" } })
    local ok, why = send()
    t.equal(ok, false)
    t.equal(why, "The webhook answered 301: it has moved to https://new.example/; change its URL")
  end,

  test_no_answer = function()
    t.http("POST", URL, nil, "timed out waiting for receiver.example:443", "timeout")
    local ok, why = send()
    t.equal(ok, false)
    t.equal(why, "The webhook could not be reached: timed out waiting for receiver.example:443")
  end,

  test_no_url = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.equal(why, "This service has no webhook URL")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean({ url = "receiver", secret = "short" }, "service")
    t.is_nil(values)
    t.matches(errors.url, "URL")
    t.matches(errors.secret, "8")
  end,
}

-- Tests of my_alert.lua: moonwatch plugin test my_alert.lua
local t = require "testing"

local URL = "https://chat.example/hook"

-- send sends one event about a service that ada looks after.
local function send(service)
  return t.send_alert{
    service = service,
    users = { { username = "ada", settings = { nickname = "countess" } } },
    duty_officers = { { username = "bob" } },
    settings = { url = URL, token = "s3cret-token" },
  }
end

return {
  test_firing = function()
    t.http("POST", URL, { status = 204 })
    t.is_true(send{ name = "shop", page_url = "https://moon.example/s1", failing_checks = { { name = "front", error = "timed out" } } })
    local request = t.http_requests()[1]
    t.equal(request.headers.authorization, "Bearer s3cret-token")
    local body = request:json()
    t.equal(body.text, "Service shop reporting ERROR status: https://moon.example/s1. Checks failing: front (timed out)")
    t.equal(body.mention, { "countess", "bob" })
  end,

  test_a_warning_mentions_nobody = function()
    t.http("POST", URL, {})
    t.is_true(send{ overall_status = "WARNING" })
    t.equal(t.http_requests()[1]:json().mention, {})
  end,

  test_a_test_says_so = function()
    t.http("POST", URL, {})
    t.is_true(send{ name = "shop", alert_kind = "test" })
    t.matches(t.http_requests()[1]:json().text, "^Test: Service shop ")
  end,

  test_too_many = function()
    t.http("POST", URL, { status = 429, headers = { ["Retry-After"] = "30" } })
    local ok, why, options = send{}
    t.equal(ok, false)
    t.equal(why, "Too many messages")
    t.equal(options.retry_after, 30)
  end,

  test_refused = function()
    t.http("POST", URL, { status = 500 })
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "Got status 500")
  end,

  test_no_answer = function()
    t.http("POST", URL, nil, "timed out", "timeout")
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "No answer: timed out")
  end,

  test_without_settings = function()
    local ok, why, options = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "no URL")
    t.equal(options, { retry = false })
  end,

  test_bad_settings = function()
    local values, errors = t.clean({ url = "" }, "settings")
    t.is_nil(values)
    t.matches(errors.url, "required")
  end,
}

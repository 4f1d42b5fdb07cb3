local t = require "testing"
local url = require "url"

local POST = "https://api.pushover.net/1/messages.json"
local SETTINGS = { token = "abcdef-app" }
local ADA = { username = "ada", settings = { user_key = "abcdef-ada", emergency = true } }

-- form gives the fields of the n-th request.
local function form(n) return url.query(t.http_requests()[n].body) end

return {
  test_firing = function()
    t.http("POST", POST, { json = { status = 1 } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Shop" }, users = { ADA } })
    local f = form(1)
    t.equal({ f.token, f.user, f.title, f.priority, f.retry }, { "abcdef-app", "abcdef-ada", "Shop: ERROR", "1" })
    t.equal(t.marked_sent(), { "ada" })
  end,

  test_an_emergency_and_its_end = function()
    t.http("POST", POST, { json = { status = 1 } })
    t.http("POST", "https://api.pushover.net/1/receipts/cancel_by_tag/incident-1.json", { json = { status = 1 } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { overall_status = "CRITICAL" }, users = { ADA } })
    local f = form(1)
    t.equal({ f.priority, f.retry, f.expire, f.tags }, { "2", "60", "3600", "incident-1" })
    t.is_true(t.send_alert_update{ settings = SETTINGS, service = { alert_kind = "acknowledged" }, users = { ADA } })
    t.equal(form(2).token, "abcdef-app")
    t.equal(form(3).priority, "-1")
  end,

  test_what_was_refused_is_not_repeated = function()
    t.http("POST", POST, { status = 400, json = { status = 0, errors = { "user identifier is invalid" } } })
    local ok, why, options = t.send_alert{ settings = SETTINGS, users = { ADA } }
    t.equal(ok, false)
    t.equal(why, "ada: Pushover answered 400: user identifier is invalid")
    t.equal(options, { retry = false })
  end,

  test_no_settings = function()
    t.equal(t.send_alert{}, false)
    t.equal(t.send_alert{ settings = SETTINGS }, "skipped")
  end,
}

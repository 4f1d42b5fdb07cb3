local t = require "testing"

local POST = "https://events.pagerduty.com/v2/enqueue"
local KEY = ("0123456789abcdef"):rep(2)
local ACCEPTED = { status = 202, json = { status = "success", message = "Event processed", dedup_key = "incident-1" } }

local function send(service) return t.send_alert{ settings = { routing_key = KEY }, service = service } end

return {
  test_trigger_and_resolve = function()
    t.http("POST", POST, ACCEPTED)
    t.is_true(send{ name = "Shop", overall_status = "CRITICAL" })
    t.is_true(send{ name = "Shop", alert_kind = "recovery" })
    local first, second = t.http_requests()[1]:json(), t.http_requests()[2]:json()
    t.equal({ first.event_action, first.dedup_key, first.routing_key, first.payload.severity }, { "trigger", "incident-1", KEY, "critical" })
    t.equal({ second.event_action, second.dedup_key }, { "resolve", "incident-1" })
  end,

  test_acknowledge = function()
    t.http("POST", POST, ACCEPTED)
    t.is_true(t.send_alert_update{ settings = { routing_key = KEY }, service = { alert_kind = "acknowledged" } })
    t.equal(t.http_requests()[1]:json().event_action, "acknowledge")
    t.equal(t.send_alert_update{ settings = { routing_key = KEY }, service = { alert_kind = "unacknowledged" } }, "skipped")
  end,

  test_a_test_is_resolved_at_once = function()
    t.http("POST", POST, ACCEPTED)
    t.is_true(send{ alert_kind = "test" })
    t.equal(t.http_requests()[1]:json().payload.severity, "info")
    t.equal(t.http_requests()[2]:json().event_action, "resolve")
  end,

  test_invalid = function()
    t.http("POST", POST, { status = 400, json = { status = "invalid event", message = "Event object is invalid", errors = { "'payload.source' is missing" } } })
    local ok, why, options = send{}
    t.equal(ok, false)
    t.equal(why, "PagerDuty answered 400: 'payload.source' is missing")
    t.equal(options, { retry = false })
  end,

  test_too_many = function()
    t.http("POST", POST, { status = 429, headers = { ["Retry-After"] = "30" } })
    local _, _, options = send{}
    t.equal(options, { retry_after = 30 })
  end,

  test_bad_configuration = function()
    t.equal(t.send_alert{}, false)
    local _, errors = t.clean({ routing_key = "short" }, "service")
    t.matches(errors.routing_key, "32")
  end,
}

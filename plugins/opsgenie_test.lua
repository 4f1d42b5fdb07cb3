local t = require "testing"

local ALERTS = "https://api.opsgenie.com/v2/alerts"
local ONE = ALERTS .. "/incident-1/"
local QUEUED = { status = 202, json = { result = "Request will be processed", requestId = "r" } }
local SETTINGS = { api_key = "abcdef" }

local function send(service) return t.send_alert{ settings = SETTINGS, service = service } end

return {
  test_create_and_close = function()
    t.http("POST", ALERTS, QUEUED)
    t.http("POST", ONE .. "close?identifierType=alias", QUEUED)
    t.is_true(send{ name = "Shop", overall_status = "CRITICAL", settings = { team = "Ops", tags = "a,b" } })
    t.is_true(send{ name = "Shop", alert_kind = "recovery" })
    local r = t.http_requests()[1]
    local a = r:json()
    t.equal(r.headers.authorization, "GenieKey abcdef")
    t.equal({ a.message, a.alias, a.priority, a.tags }, { "Service Shop reporting CRITICAL status", "incident-1", "P1", { "a", "b" } })
    t.equal(a.responders, { { name = "Ops", type = "team" } })
  end,

  test_escalation_raises_the_priority = function()
    t.http("POST", ALERTS, QUEUED)
    t.http("POST", ONE .. "unacknowledge?identifierType=alias", QUEUED)
    t.http("PUT", ONE .. "priority?identifierType=alias", QUEUED)
    t.is_true(send{ alert_kind = "escalation" })
    t.matches(t.http_requests()[2].url, "/unacknowledge")
    t.equal(t.http_requests()[3]:json().priority, "P1")
    t.is_true(send{ alert_kind = "deescalation" }) -- pages nobody: what is acknowledged stays so
    t.equal(#t.http_requests(), 5)
  end,

  test_acknowledge = function()
    t.http("POST", ONE .. "acknowledge?identifierType=alias", QUEUED)
    t.is_true(t.send_alert_update{ settings = SETTINGS, service = { alert_kind = "acknowledged", acknowledgement = { user = "ada", comment = "on it" } } })
    t.equal(t.http_requests()[1]:json(), { user = "ada", note = "on it", source = "Moonwatch" })
  end,

  test_wrong_key = function()
    t.http("POST", ALERTS, { status = 401, json = { message = "Could not authenticate" } })
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "Opsgenie answered 401: Could not authenticate")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "API key$")
  end,
}

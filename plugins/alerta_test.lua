local t = require "testing"

local BASE = "https://alerta.example.org/api"
local TAKEN = { status = 201, json = { status = "ok", id = "a-1" } }
local SETTINGS = { endpoint = BASE, api_key = "abcdef" }

return {
  test_open_acknowledge_close = function()
    t.http("POST", BASE .. "/alert", TAKEN)
    t.http("PUT", BASE .. "/alert/a-1/action", { json = { status = "ok" } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Shop", overall_status = "CRITICAL" } })
    t.is_true(t.send_alert_update{ settings = SETTINGS, service = { name = "Shop", alert_kind = "acknowledged", acknowledgement = { user = "ada" } } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Renamed", alert_kind = "recovery" } })
    local opened, acked, closed = t.http_requests()[1], t.http_requests()[2]:json(), t.http_requests()[3]:json()
    t.equal(opened.headers.authorization, "Key abcdef")
    opened = opened:json()
    t.equal({ opened.resource, opened.event, opened.environment, opened.severity }, { "Shop", "ServiceStatus", "Production", "critical" })
    t.equal({ acked.action, acked.text }, { "ack", "by ada" })
    t.equal({ closed.resource, closed.severity }, { "Shop", "normal" })
  end,

  test_policy = function()
    t.http("POST", BASE .. "/alert", { status = 403, json = { status = "error", message = "[POLICY] Alerta environment must be one of Production, Development" } })
    local ok, why = t.send_alert{ settings = SETTINGS, service = { settings = { environment = "Moon" } } }
    t.equal(ok, false)
    t.equal(why, "Alerta answered 403: [POLICY] Alerta environment must be one of Production, Development")
  end,

  test_blackout = function()
    t.http("POST", BASE .. "/alert", { status = 202, json = { status = "ok", message = "suppressed by blackout", id = "a-1" } })
    t.is_true(t.send_alert{ settings = SETTINGS })
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "ALERTA_ENDPOINT$")
  end,
}

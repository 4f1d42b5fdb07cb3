local t = require "testing"

local USERS = { { username = "ada", settings = { topic = "ada-1" } }, { username = "bob" } }

return {
  test_firing = function()
    t.http("POST", "https://ntfy.sh", { json = { id = "x" } })
    t.is_true(t.send_alert{ service = { name = "Shop", settings = { topic = "shop" }, failing_checks = { { name = "front", error = "timed out" } } }, users = USERS })
    t.equal(t.marked_sent(), { "ada" })
    local own, common = t.http_requests()[1]:json(), t.http_requests()[2]:json()
    t.equal({ own.topic, common.topic }, { "ada-1", "shop" })
    t.equal({ common.title, common.message, common.priority }, { "Shop: ERROR", "front: timed out", 4 })
  end,

  test_an_update_goes_to_the_service_alone = function()
    t.http("POST", "https://ntfy.sh", { json = { id = "x" } })
    t.is_true(t.send_alert_update{ service = { alert_kind = "update", settings = { topic = "shop" } }, users = USERS })
    t.equal(#t.http_requests(), 1)
    t.equal(t.http_requests()[1]:json().priority, 2)
  end,

  test_a_server_of_ones_own = function()
    t.http("POST", "https://push.example.org", { status = 403, json = { code = 40301, error = "forbidden" } })
    local ok, why = t.send_alert{ settings = { server = "https://push.example.org", token = "tk_abcdef" }, service = { settings = { topic = "shop" } } }
    t.equal(ok, false)
    t.equal(why, "ntfy answered 403: forbidden")
    t.equal(t.http_requests()[1].headers.authorization, "Bearer tk_abcdef")
  end,

  test_nobody_has_a_topic = function()
    t.equal(t.send_alert{}, "skipped")
  end,
}

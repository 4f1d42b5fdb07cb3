local t = require "testing"

local BASE = "https://matrix.example.org/_matrix/client/v3/"
local SEND = BASE .. "rooms/%21ops%3Aexample.org/send/m.room.message/"
local SETTINGS = { homeserver = "https://matrix.example.org", token = "abcdef", room = "!ops:example.org" }

return {
  test_firing_and_recovery = function()
    t.http("PUT", SEND .. "d1", { json = { event_id = "$1" } })
    t.http("PUT", SEND .. "d2", { json = { event_id = "$2" } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Shop <1>", delivery_id = "d1" }, users = { { settings = { user_id = "@ada:example.org" } } } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Shop <1>", delivery_id = "d2", alert_kind = "recovery" } })
    local first, second = t.http_requests()[1], t.http_requests()[2]:json()
    t.equal(first.headers.authorization, "Bearer abcdef")
    t.matches(first:json().formatted_body, "Shop &lt;1&gt;")
    t.equal(first:json()["m.mentions"].user_ids, { "@ada:example.org" })
    t.equal(second["m.relates_to"].event_id, "$1")
  end,

  test_alias = function()
    t.http("GET", BASE .. "directory/room/%23ops%3Aexample.org", { json = { room_id = "!ops:example.org" } })
    t.http("PUT", SEND .. "delivery-1", { json = { event_id = "$1" } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { settings = { room = "#ops:example.org" } } })
  end,

  test_no_member = function()
    t.http("PUT", SEND .. "delivery-1", { status = 403, json = { errcode = "M_FORBIDDEN", error = "no" } })
    local ok, why = t.send_alert{ settings = SETTINGS }
    t.equal(ok, false)
    t.matches(why, "the bot is no member of the room")
  end,

  test_limit = function()
    t.http("PUT", SEND .. "delivery-1", { status = 429, json = { errcode = "M_LIMIT_EXCEEDED", error = "Too many", retry_after_ms = 2000 } })
    local _, _, options = t.send_alert{ settings = SETTINGS }
    t.equal(options, { retry_after = 2 })
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "MATRIX_TOKEN$")
  end,
}

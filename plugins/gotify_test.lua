local t = require "testing"

local POST = "https://push.example.org/message"
local SETTINGS = { server = "https://push.example.org/", token = "abcdef-common" }

return {
  test_firing = function()
    t.http("POST", POST, { json = { id = 1 } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Shop", overall_status = "CRITICAL", page_url = "https://moon.example/s1" },
      users = { { username = "ada", settings = { token = "abcdef-ada" } } } })
    local own, common = t.http_requests()[1], t.http_requests()[2]
    t.equal({ own.headers["X-Gotify-Key"], common.headers["X-Gotify-Key"] }, { "abcdef-ada", "abcdef-common" })
    t.equal({ common:json().title, common:json().priority }, { "Shop: CRITICAL", 10 })
    t.equal(t.marked_sent(), { "ada" })
  end,

  test_wrong_token = function()
    t.http("POST", POST, { status = 401, json = { error = "Unauthorized", errorCode = 401, errorDescription = "you need to provide a valid access token" } })
    local ok, why = t.send_alert{ settings = SETTINGS }
    t.equal(ok, false)
    t.equal(why, "Gotify answered 401: the application token is wrong")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "GOTIFY_SERVER$")
    t.equal(t.send_alert{ settings = { server = "https://push.example.org" } }, "skipped")
  end,
}

local t = require "testing"

local HOOK = "https://chat.example.org/hooks/abcdef"

local function send(service, users)
  return t.send_alert{ settings = { webhook_url = HOOK }, service = service, users = users }
end

return {
  test_firing = function()
    t.http("POST", HOOK, { body = "ok" })
    t.is_true(send({ name = "Shop", page_url = "https://moon.example/s1", incident_url = "https://moon.example/i7", overall_status = "CRITICAL", settings = { channel = "ops", urgent = true } },
      { { username = "ada", settings = { username = "@ada" } } }))
    local m = t.http_requests()[1]:json()
    t.equal(m.text, "Service [Shop](https://moon.example/i7) reporting **CRITICAL** status @ada")
    t.equal({ m.channel, m.priority.priority, m.username }, { "ops", "urgent", "Moonwatch" })
  end,

  test_an_update_mentions_nobody = function()
    t.http("POST", HOOK, { body = "ok" })
    t.is_true(t.send_alert_update{ settings = { webhook_url = HOOK }, service = { alert_kind = "update" }, users = { { settings = { username = "ada" } } } })
    t.equal(t.http_requests()[1]:json().text:find("@", 1, true), nil)
  end,

  test_names_mention_nobody = function()
    t.http("POST", HOOK, { body = "ok" })
    t.is_true(send{ name = "@channel" })
    t.equal(t.http_requests()[1]:json().text:find("@channel", 1, true), nil)
  end,

  test_refused = function()
    t.http("POST", HOOK, { status = 403, json = { id = "x", message = "This webhook is not permitted to post to the requested channel.", status_code = 403 } })
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "Mattermost answered 403: This webhook is not permitted to post to the requested channel.")
  end,

  test_no_answer = function()
    t.http("POST", HOOK, nil, "connection refused", "refused")
    local _, why = send{}
    t.equal(why, "Mattermost could not be reached: connection refused")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "webhook URL$")
  end,
}

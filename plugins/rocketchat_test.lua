local t = require "testing"

local HOOK = "https://chat.example.org/hooks/1/abcdef"

local function send(service, users)
  return t.send_alert{ settings = { webhook_url = HOOK }, service = service, users = users }
end

return {
  test_firing = function()
    t.http("POST", HOOK, { json = { success = true } })
    t.is_true(send({ name = "Shop", page_url = "", settings = { channel = "#ops" } }, { { settings = { username = "ada" } } }))
    local m = t.http_requests()[1]:json()
    t.equal({ m.text, m.channel, m.alias }, { "Service Shop reporting *ERROR* status @ada", "#ops", "Moonwatch" })
  end,

  test_acknowledged = function()
    t.http("POST", HOOK, { json = { success = true } })
    t.is_true(t.send_alert_update{ settings = { webhook_url = HOOK },
      service = { name = "Shop", page_url = "", alert_kind = "acknowledged", acknowledgement = { user = "ada", comment = "on it" } } })
    t.equal(t.http_requests()[1]:json().text, "Service Shop was acknowledged by ada: on it")
  end,

  test_refused = function()
    t.http("POST", HOOK, { status = 400, json = { success = false, error = "invalid-channel" } })
    local ok, why = send{}
    t.equal(ok, false)
    t.matches(why, "there is no such channel")
  end,

  test_an_answer_that_is_none_of_rocket_chats = function()
    t.http("POST", HOOK, { body = "<html>" })
    t.equal(send{}, false)
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "webhook URL$")
  end,
}

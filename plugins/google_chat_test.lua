local t = require "testing"

local HOOK = "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=abcdef"
local POST = HOOK .. "&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&requestId=delivery-1"

local function send(service, users)
  return t.send_alert{ settings = { webhook_url = HOOK }, service = service, users = users }
end

return {
  test_firing = function()
    t.http("POST", POST, { json = { name = "spaces/A/messages/1" } })
    t.is_true(send({ name = "Shop", page_url = "https://moon.example/s1" }, { { settings = { user_id = "112233445566" } } }))
    local m = t.http_requests()[1]:json()
    t.equal(m.text, "Service <https://moon.example/s1|Shop> reporting *ERROR* status <users/112233445566>")
    t.equal(m.thread.threadKey, "incident-1")
  end,

  test_many_checks_fit = function()
    local checks = {}
    for i = 1, 100 do checks[i] = { name = "check " .. i, error = ("x"):rep(500) } end
    t.http("POST", POST, { json = {} })
    t.is_true(send{ failing_checks = checks })
    local text = t.http_requests()[1]:json().text
    t.is_true(#text <= 4096)
    t.matches(text, "… and [0-9]+ more$")
  end,

  test_gone = function()
    t.http("POST", POST, { status = 404, json = { error = { code = 404, status = "NOT_FOUND" } } })
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "Google Chat answered 404: the space or the webhook is gone")
  end,

  test_bad_configuration = function()
    local _, errors = t.clean({ webhook_url = "https://chat.googleapis.com/" }, "service")
    t.matches(errors.webhook_url, "whole webhook URL")
  end,
}

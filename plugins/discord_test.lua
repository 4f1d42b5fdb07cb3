local t = require "testing"

local HOOK = "https://discord.com/api/webhooks/1/abcdef"
local POST = HOOK .. "?wait=true"

local function send(service, users)
  return t.send_alert{ settings = { webhook_url = HOOK }, service = service, users = users }
end

return {
  test_firing = function()
    t.http("POST", POST, { json = { id = "1" } })
    t.is_true(send({ name = "Shop", failing_checks = { { name = "front*", error = "timed out" } } },
      { { username = "ada", settings = { user_id = "80351110224678912" } } }))
    local m = t.http_requests()[1]:json()
    t.equal(m.content, "<@80351110224678912>")
    t.equal(m.allowed_mentions, { parse = {}, users = { "80351110224678912" } })
    t.equal(m.embeds[1].title, "Service Shop reporting ERROR status")
    t.matches(m.embeds[1].description, [[front\\\*.*timed out]])
  end,

  test_recovery = function()
    t.http("POST", POST, { status = 204 })
    t.is_true(send{ name = "Shop", alert_kind = "recovery" })
    t.equal(t.http_requests()[1]:json().embeds[1].title, "Service Shop is back to normal")
  end,

  test_a_thread_of_the_service = function()
    t.http("POST", HOOK .. "2?thread_id=1234567890123456789&wait=true", { json = {} })
    t.is_true(send{ settings = { webhook_url = HOOK .. "2", thread_id = "1234567890123456789" } })
  end,

  test_too_many = function()
    t.http("POST", POST, { status = 429, json = { message = "You are being rate limited.", retry_after = 1.5 } })
    local ok, why, options = send{}
    t.equal(ok, false)
    t.equal(why, "Discord answered 429: You are being rate limited.")
    t.equal(options, { retry_after = 1.5 })
  end,

  test_deleted = function()
    t.http("POST", POST, { status = 404, json = { message = "Unknown Webhook", code = 10015 } })
    local _, why = send{}
    t.matches(why, "^Discord answered 404: there is no such webhook")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "webhook URL$")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean({ webhook_url = "discord" }, "settings")
    t.is_nil(values)
    t.matches(errors.webhook_url, "https://")
  end,
}

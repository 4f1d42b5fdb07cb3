local t = require "testing"

local POST = "https://api.telegram.org/bot1:abcdef/sendMessage"
local SETTINGS = { token = "1:abcdef", chat_id = "-100" }

return {
  test_firing_and_update = function()
    t.http("POST", POST, { json = { ok = true, result = { message_id = 7 } } })
    t.is_true(t.send_alert{ settings = SETTINGS, service = { name = "Shop & Co", page_url = "" }, users = { { settings = { alias = "ada_l" } } } })
    t.is_true(t.send_alert_update{ settings = SETTINGS, service = { name = "Shop & Co", page_url = "", alert_kind = "update" } })
    local first, second = t.http_requests()[1]:json(), t.http_requests()[2]:json()
    t.equal({ first.chat_id, first.text, first.disable_notification }, { "-100", "Service Shop &amp; Co reporting <b>ERROR</b> status @ada_l", false })
    t.equal({ second.reply_parameters.message_id, second.disable_notification }, { 7, true })
  end,

  test_a_group_that_moved = function()
    t.http("POST", POST, { status = 400, json = { ok = false, description = "upgraded", parameters = { migrate_to_chat_id = -1005 } } })
    t.http("POST", POST, { json = { ok = true, result = { message_id = 8 } } })
    t.is_true(t.send_alert{ settings = SETTINGS })
    t.equal(t.http_requests()[2]:json().chat_id, "-1005")
  end,

  test_flood = function()
    t.http("POST", POST, { status = 429, json = { ok = false, description = "Too Many Requests: retry after 35", parameters = { retry_after = 35 } } })
    local ok, _, options = t.send_alert{ settings = SETTINGS }
    t.equal(ok, false)
    t.equal(options, { retry_after = 35 })
  end,

  test_no_chat = function()
    t.http("POST", POST, { status = 400, json = { ok = false, description = "Bad Request: chat not found" } })
    local _, why = t.send_alert{ settings = SETTINGS }
    t.matches(why, "there is no such chat")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "TELEGRAM_TOKEN$")
  end,
}

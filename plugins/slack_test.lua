local t = require "testing"

local POST = "https://slack.com/api/chat.postMessage"
local HOOK = "https://hooks.slack.com/services/T0/B0/abcdef"

local function send(alert)
  alert = alert or {}
  alert.settings = alert.settings or { token = "xoxb-secret", channel = "#alerts" }
  alert.users = alert.users or { { username = "ada", settings = { alias = "U012AB3CD" } } }
  return t.send_alert(alert)
end

-- sent gives the n-th message.
local function sent(n) return t.http_requests()[n]:json() end

return {
  test_firing = function()
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.is_true(send{ service = { name = "Shop <1>", page_url = "https://moon.example/s1", incident_url = "https://moon.example/i7",
      failing_checks = { { name = "front", error = "a & b", severity = "ERROR", page_url = "https://moon.example/c1" } } } })
    t.equal(t.http_requests()[1].headers.authorization, "Bearer xoxb-secret")
    local m = sent(1)
    t.equal(m.channel, "#alerts")
    t.equal(m.text, "Service <https://moon.example/i7|Shop &lt;1&gt;> reporting ERROR status <@U012AB3CD>")
    t.matches(m.attachments[1].text, "front.*a &amp; b")
  end,

  test_a_warning_mentions_nobody = function()
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.is_true(send{ service = { overall_status = "WARNING" } })
    t.equal(sent(1).text:find("@", 1, true), nil)
  end,

  test_one_thread_for_an_incident = function()
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.http("POST", POST, { json = { ok = true, ts = "2.2" } })
    t.is_true(send())
    t.is_true(send{ service = { alert_kind = "recovery" } })
    t.is_nil(sent(1).thread_ts)
    t.equal({ sent(2).thread_ts, sent(2).reply_broadcast }, { "1.1", true })
    t.is_true(send{ service = { incident_key = "another" } })
    t.is_nil(sent(3).thread_ts)
  end,

  test_a_thread_that_is_gone = function()
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.http("POST", POST, { json = { ok = false, error = "thread_not_found" } })
    t.http("POST", POST, { json = { ok = true, ts = "3.3" } })
    t.is_true(send())
    t.is_true(send{ service = { alert_kind = "repeat" } })
    t.equal(#t.http_requests(), 3)
    t.is_nil(sent(3).thread_ts)
  end,

  test_acknowledged = function()
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.is_true(t.send_alert_update{ settings = { token = "xoxb-secret", channel = "#alerts" },
      service = { name = "Shop", page_url = "", alert_kind = "acknowledged", acknowledgement = { user = "ada", comment = "on it" } } })
    t.matches(sent(1).text, "was acknowledged by ada: on it$")
  end,

  test_channel_of_the_service = function()
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.is_true(send{ service = { settings = { channel = "#ops" } } })
    t.equal(sent(1).channel, "#ops")
  end,

  test_refused = function()
    t.http("POST", POST, { json = { ok = false, error = "not_in_channel" } })
    local ok, why = send()
    t.equal(ok, false)
    t.equal(why, "Slack refused the message: not_in_channel (invite the bot to the channel)")
  end,

  test_too_many = function()
    t.http("POST", POST, { status = 429, headers = { ["Retry-After"] = "30" } })
    local ok, why, options = send()
    t.equal(ok, false)
    t.equal(why, "Slack answered 429")
    t.equal(options, { retry_after = 30 })
  end,

  test_no_answer = function()
    t.http("POST", POST, nil, "timed out waiting for slack.com:443", "timeout")
    local ok, why = send()
    t.equal(ok, false)
    t.equal(why, "Slack could not be reached: timed out waiting for slack.com:443")
  end,

  test_webhook = function()
    t.http("POST", HOOK, { body = "ok" })
    t.is_true(send{ settings = { webhook_url = HOOK } })
    t.http("POST", HOOK .. "x", { status = 404, body = "no_service" })
    local ok, why = send{ settings = { webhook_url = HOOK .. "x" } }
    t.equal(ok, false)
    t.equal(why, "Slack answered 404: the webhook was removed")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.equal(why, "A token or a webhook URL must be set in the plugin's settings")
    ok, why = send{ settings = { token = "xoxb-secret" } }
    t.equal(ok, false)
    t.matches(why, "name a channel$")
  end,

  test_settings_from_the_environment = function()
    t.setenv("SLACK_TOKEN", "xoxb-from-env")
    t.setenv("SLACK_ALERT_CHANNEL", "#env")
    t.http("POST", POST, { json = { ok = true, ts = "1.1" } })
    t.is_true(send{ settings = {} })
    t.equal(t.http_requests()[1].headers.authorization, "Bearer xoxb-from-env")
    t.equal(sent(1).channel, "#env")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean({ alias = ("x"):rep(51) }, "user")
    t.is_nil(values)
    t.matches(errors.alias, "50")
  end,
}

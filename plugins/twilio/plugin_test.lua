local t = require "testing"
local crypto, url = require "crypto", require "url"

local ACCOUNT = "https://api.twilio.com/2010-04-01/Accounts/AC1/"
local SETTINGS = { sid = "AC1", token = "abcdef", number = "+15017122661" }
local EVE = { username = "eve", settings = { phone_number = "+4930654321" } }
local SITE = "https://moonwatch.example/plugins/twilio_call/"
local QUERY = "incident=i-1&service=s1&user=eve"

local function call(service)
  return t.send_alert{ slug = "twilio_call", settings = SETTINGS, service = service, duty_officers = { EVE } }
end

-- ring asks a view as Twilio does.
local function ring(path, form, key)
  local text, names = SITE .. path .. "?" .. QUERY, {}
  for name in pairs(form) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do text = text .. name .. form[name] end
  t.settings(SETTINGS)
  return t.view("POST", path, { slug = "twilio_call", query = QUERY, form = form,
    headers = { ["X-Twilio-Signature"] = crypto.hmac("sha1", key or SETTINGS.token, text, "base64") } })
end

return {
  test_call = function()
    t.http("POST", ACCOUNT .. "Calls.json", { status = 201, json = { sid = "CA1" } })
    t.is_true(call{ overall_status = "CRITICAL", incident_key = "i-1" })
    local f = url.query(t.http_requests()[1].body)
    t.equal({ f.To, f.From, f.Url }, { "+4930654321", "+15017122661", SITE .. "answered?" .. QUERY })
    t.equal(t.marked_sent(), { "eve" })
  end,

  test_calls_are_for_critical = function()
    t.equal(call{ overall_status = "ERROR" }, "skipped")
    t.equal(call{ alert_kind = "recovery" }, "skipped")
  end,

  test_sms = function()
    t.http("POST", ACCOUNT .. "Messages.json", { status = 201, json = { sid = "SM1" } })
    t.is_true(t.send_alert{ slug = "twilio_sms", settings = SETTINGS, service = { name = "Shop" }, users = { EVE } })
    t.matches(url.query(t.http_requests()[1].body).Body, "^Service Shop reporting ERROR status")
  end,

  test_no_number = function()
    t.http("POST", ACCOUNT .. "Messages.json", { status = 400, json = { code = 21614, message = "not a mobile number", status = 400 } })
    local ok, why, options = t.send_alert{ slug = "twilio_sms", settings = SETTINGS, users = { EVE } }
    t.equal(ok, false)
    t.equal(why, "eve: Twilio answered 400: it is no mobile number")
    t.equal(options, { retry = false })
  end,

  test_a_key_press_acknowledges = function()
    t.monitor{ slug = "twilio_call", services = { { id = "s1", name = "Shop", overall_status = "CRITICAL", incident_key = "i-1" } }, users = { { username = "eve" } } }
    local answer = ring("answered", { CallSid = "CA1" })
    t.equal(answer.status, 200)
    t.matches(answer.body, "Service Shop is critical.*Press 1 to acknowledge")
    t.matches(ring("pressed", { CallSid = "CA1", Digits = "1" }).body, "It is acknowledged")
    local done = t.acknowledgements()
    t.equal(#done, 1)
    t.equal({ done[1].service, done[1].user, done[1].incident_key }, { "s1", "eve", "i-1" })
  end,

  test_another_key_does_not = function()
    t.monitor{ slug = "twilio_call", services = { { id = "s1", incident_key = "i-1" } }, users = { { username = "eve" } } }
    t.matches(ring("pressed", { Digits = "5" }).body, "not acknowledged")
    t.equal(t.acknowledgements(), {})
  end,

  test_a_wrong_signature = function()
    t.monitor{ slug = "twilio_call", services = { { id = "s1", incident_key = "i-1" } }, users = { { username = "eve" } } }
    t.equal(ring("pressed", { Digits = "1" }, "another").status, 403)
    t.equal(t.acknowledgements(), {})
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{ slug = "twilio_call" }
    t.equal(ok, false)
    t.matches(why, "TWILIO_OUTGOING_NUMBER$")
  end,
}

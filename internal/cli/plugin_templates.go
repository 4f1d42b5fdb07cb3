package cli

// What `plugin new` writes: each a plugin that passes lint and its own tests,
// and that shows what one needs first. @slug@, @title@ and @local@ are filled in.

const newCheck = `-- @title@: requests a page and looks for a text in it.
local forms, http = require "forms", require "http"

---@type moonwatch.check_plugin
local @local@ = {
  name = "@title@", slug = "@slug@", version = "0.1.0",
  summary = "Requests a page and looks for a text in it.",
  config_form = {
    forms.URLField{ "endpoint", help_text = "Page to request", placeholder = "https://example.org/health" },
    forms.CharField{ "text", help_text = "Text that must be in it" },
    forms.DurationField{ "warn_after", initial = "2s", help_text = "Warn when the answer takes longer" },
  },
}

---@param check moonwatch.check
---@param result moonwatch.result
function @local@:run(check, result)
  local response, problem = http.get(check.endpoint)
  if not response then
    result.error = "No answer: " .. problem
    return result
  end
  local took = response.timings.total
  result:metric("took", took, { unit = "s", warn = check.warn_after })
  if response.status ~= 200 then
    result.error = "Got status " .. response.status .. " (expected 200)"
  elseif not response.body:find(check.text, 1, true) then
    result.error = "The page does not hold the text " .. check.text
    result.raw_data = response.body
  elseif check.warn_after and took > check.warn_after then
    result.severity = "WARNING"
    result.error = ("The answer took %.3g s (more than %.3g s)"):format(took, check.warn_after)
  else
    result.succeeded = true
  end
  return result
end

---@param check moonwatch.check
function @local@:description(check)
  return "Look for " .. check.text .. " in " .. check.endpoint
end

return @local@
`

const newCheckTest = `-- Tests of @slug@.lua: moonwatch plugin test @slug@.lua
local t = require "testing"

local PAGE = "https://example.org/health"

local function run()
  return t.run{ endpoint = PAGE, text = "fine" }
end

return {
  test_text_is_there = function()
    t.http("GET", PAGE, { body = "all is fine", timings = { total = 0.25 } })
    local result = run()
    t.equal(result.error, "")
    t.is_true(result.succeeded)
    t.equal(result.metrics.took.value, 0.25)
  end,

  test_text_is_missing = function()
    t.http("GET", PAGE, { body = "nothing works" })
    local result = run()
    t.equal(result.succeeded, false)
    t.equal(result.error, "The page does not hold the text fine")
    t.equal(result.raw_data, "nothing works")
  end,

  test_wrong_status = function()
    t.http("GET", PAGE, { status = 503, body = "fine" })
    t.matches(run().error, "^Got status 503")
  end,

  test_no_answer = function()
    t.http("GET", PAGE, nil, "connection refused by example.org:443", "refused")
    t.equal(run().error, "No answer: connection refused by example.org:443")
  end,

  test_slow = function()
    t.http("GET", PAGE, { body = "fine", timings = { total = 3 } })
    local result = run()
    t.equal(result.severity, "WARNING")
    t.equal(result.error, "The answer took 3 s (more than 2 s)")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ endpoint = "not a URL", text = "fine" }
    t.is_nil(values)
    t.matches(errors.endpoint, "URL")
  end,

  test_description = function()
    t.equal(t.description{ endpoint = PAGE, text = "fine" }, "Look for fine in " .. PAGE)
  end,
}
`

const newAlert = `-- @title@: posts each event of a service to a URL.
local forms, http, recipients = require "forms", require "http", require "recipients"

---@type moonwatch.alert_plugin
local @local@ = {
  name = "@title@", slug = "@slug@", version = "0.1.0", channel = "chat",
  summary = "Posts each event of a service to a URL.",
  settings_form = {
    forms.URLField{ "url", help_text = "Where to post to" },
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, help_text = "Sent as a bearer token" },
  },
  user_config_form = {
    forms.CharField{ "nickname", required = false, help_text = "How to call this user, if not by the username" },
  },
}

---@param service moonwatch.service
---@param users moonwatch.user[]
---@param duty_officers moonwatch.user[]
function @local@:send_alert(service, users, duty_officers)
  if self.settings.url == "" then
    return false, "There is no URL in the plugin's settings", { retry = false }
  end
  local names = {}
  for _, user in ipairs(recipients.chat(service, users, duty_officers)) do
    local nickname = user.@slug@_settings.nickname
    names[#names + 1] = nickname ~= "" and nickname or user.username
  end
  local text = service:get_status_message()
  if service.alert_kind == "test" then text = "Test: " .. text end -- it reads as if it were real
  local headers = {}
  if self.settings.token ~= "" then headers.Authorization = "Bearer " .. self.settings.token end
  local response, problem = http.post(self.settings.url, {
    headers = headers,
    json = { text = text, mention = names, id = service.delivery_id },
  })
  if not response then return false, "No answer: " .. problem end
  if response.status == 429 then
    return false, "Too many messages", { retry_after = tonumber(response.headers["Retry-After"]) or 60 }
  end
  if response.status >= 300 then return false, "Got status " .. response.status end
  return true
end

return @local@
`

const newAlertTest = `-- Tests of @slug@.lua: moonwatch plugin test @slug@.lua
local t = require "testing"

local URL = "https://chat.example/hook"

-- send sends one event about a service that ada looks after.
local function send(service)
  return t.send_alert{
    service = service,
    users = { { username = "ada", settings = { nickname = "countess" } } },
    duty_officers = { { username = "bob" } },
    settings = { url = URL, token = "s3cret-token" },
  }
end

return {
  test_firing = function()
    t.http("POST", URL, { status = 204 })
    t.is_true(send{ name = "shop", page_url = "https://moon.example/s1", failing_checks = { { name = "front", error = "timed out" } } })
    local request = t.http_requests()[1]
    t.equal(request.headers.authorization, "Bearer s3cret-token")
    local body = request:json()
    t.equal(body.text, "Service shop reporting ERROR status: https://moon.example/s1. Checks failing: front (timed out)")
    t.equal(body.mention, { "countess", "bob" })
  end,

  test_a_warning_mentions_nobody = function()
    t.http("POST", URL, {})
    t.is_true(send{ overall_status = "WARNING" })
    t.equal(t.http_requests()[1]:json().mention, {})
  end,

  test_a_test_says_so = function()
    t.http("POST", URL, {})
    t.is_true(send{ name = "shop", alert_kind = "test" })
    t.matches(t.http_requests()[1]:json().text, "^Test: Service shop ")
  end,

  test_too_many = function()
    t.http("POST", URL, { status = 429, headers = { ["Retry-After"] = "30" } })
    local ok, why, options = send{}
    t.equal(ok, false)
    t.equal(why, "Too many messages")
    t.equal(options.retry_after, 30)
  end,

  test_refused = function()
    t.http("POST", URL, { status = 500 })
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "Got status 500")
  end,

  test_no_answer = function()
    t.http("POST", URL, nil, "timed out", "timeout")
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "No answer: timed out")
  end,

  test_without_settings = function()
    local ok, why, options = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "no URL")
    t.equal(options, { retry = false })
  end,

  test_bad_settings = function()
    local values, errors = t.clean({ url = "" }, "settings")
    t.is_nil(values)
    t.matches(errors.url, "required")
  end,
}
`

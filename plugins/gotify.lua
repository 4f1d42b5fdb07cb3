-- Gotify: push messages over a Gotify server of your own. Each event goes to the
-- service's application, and to the applications of the users and duty officers whom
-- it concerns (in Gotify, an application belongs to who made it).
local forms, http, store, utf8 = require "forms", require "http", require "store", require "utf8"
local recipients = require "recipients"

local MOST = 15 * 60 -- seconds that the server may ask to wait
local TWO_DAYS = 2 * 86400 -- longer than any delivery is tried
local PATIENCE = 10 -- seconds for an answer: others wait for their turn

local Gotify = {
  name = "Gotify", slug = "gotify", version = "1.0.0", author = "Moonwatch",
  summary = "Pushes to Gotify applications of the service and of its users.",
  font_icon = "fa fa-bell", channel = "other", needs = { "server" }, homepage = "https://gotify.net/docs/pushmsg",
  settings_form = {
    forms.URLField{ "server", required = false, env = "GOTIFY_SERVER", placeholder = "https://gotify.example.org", help_text = "The Gotify server. Else GOTIFY_SERVER is taken." },
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "GOTIFY_TOKEN", label = "Application token",
      help_text = "Application of services that have none of their own. Else GOTIFY_TOKEN is taken." },
  },
  service_config_form = {
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, label = "Application token",
      help_text = "Application for this service, if not the one of the settings" },
  },
  user_config_form = {
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, label = "Application token",
      help_text = "Token of an application of your own, for the events that concern you" },
  },
}

-- From 8 on phones ring, from 4 on they show the message, below that it is only there.
-- Gotify has no limits; what a phone shows, has.
local UNIT, TITLE, MESSAGE = "bytes", 250, 8000

local PRIORITY = { CRITICAL = 10, ERROR = 8, WARNING = 5, PASSING = 5 }

local function title_of(service)
  local kind = service.alert_kind
  local function titled(before, after)
    return before .. utf8.line(service.name, TITLE - utf8.len(before .. after, UNIT), UNIT) .. after
  end
  if kind == "acknowledged" then return titled("", " was acknowledged") end
  if kind == "unacknowledged" then return titled("", " is no longer acknowledged") end
  return titled(kind == "test" and "Test: " or "", service.overall_status == "PASSING" and " is back to normal" or ": " .. service.overall_status)
end

local function text_of(service)
  local lines, ack = {}, service:unexpired_acknowledgement()
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = utf8.line(check.name, 100) .. (check.error ~= "" and ": " .. utf8.line(check.error, 200) or "")
  end
  local head = ack and "Acknowledged by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 200) or ""
  if #lines == 0 then return head ~= "" and head or service:get_status_message(false, MESSAGE, UNIT) end
  if head ~= "" then head = head .. "\n" end
  return head .. utf8.fit(lines, MESSAGE - utf8.len(head, UNIT), { unit = UNIT })
end

local function message_of(service)
  local kind = service.alert_kind
  local quiet = kind == "update" or kind == "deescalation" or kind == "acknowledged" or kind == "unacknowledged"
  local message = { title = title_of(service), message = text_of(service), priority = quiet and 2 or PRIORITY[service.overall_status] }
  if service.page_url ~= "" then message.extras = { ["client::notification"] = { click = { url = service.page_url } } } end
  return message
end

-- push sends to one application; it returns true, or false, why, seconds to wait.
local function push(server, message, token)
  local response, problem = http.post(server:gsub("/+$", "") .. "/message", { json = message, headers = { ["X-Gotify-Key"] = token }, timeout = PATIENCE, redirects = false })
  if not response then return false, "Gotify could not be reached: " .. problem end
  if response.status == 200 then return true end
  local answer = response:json()
  local what = type(answer) == "table" and (answer.errorDescription or answer.error) or nil
  if response.status == 401 then what = "the application token is wrong" end
  return false, "Gotify answered " .. response.status .. (what and ": " .. tostring(what) or ""), tonumber(response.headers["Retry-After"])
end

function Gotify:send_alert(service, users, duty_officers)
  local settings = self.settings
  if settings.server == "" then return false, "The Gotify server must be set in the plugin's settings, or by GOTIFY_SERVER" end
  local common = service.gotify_settings.token ~= "" and service.gotify_settings.token or settings.token
  local message, failed, wait, tried = message_of(service), {}, nil, 0
  local function note(whose, ok, why, seconds)
    tried = tried + 1
    if ok then return true end
    failed[#failed + 1] = whose .. why
    if seconds and seconds > 0 then wait = math.max(wait or 0, math.min(seconds, MOST)) end
  end
  for _, user in ipairs(recipients.sms(service, users, duty_officers)) do
    local token = user.gotify_settings.token
    if token ~= "" and note(user.username .. ": ", push(settings.server, message, token)) then service:mark_sent(user) end
  end
  -- The common application is nobody's own: that it was reached is remembered here,
  -- lest a user's failing one send it again.
  local key = "sent:" .. service.delivery_id
  if common ~= "" and store.get(key) then
    tried = tried + 1
  elseif common ~= "" and note("", push(settings.server, message, common)) and #failed > 0 then
    store.set(key, true, TWO_DAYS)
  end
  if tried == 0 then return "skipped", "neither the service nor anybody whom this concerns has an application" end
  if #failed == 0 then return true end
  return false, table.concat(failed, "; "), wait and { retry_after = wait } or nil
end

Gotify.send_alert_update = Gotify.send_alert

return Gotify

-- Gotify: push messages over a Gotify server of your own. Each event goes to the
-- service's application, and to the applications of the users and duty officers whom
-- it concerns (in Gotify, an application belongs to who made it).
local forms, http, recipients = require "forms", require "http", require "recipients"
local push = require "shipped.push"

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

local function message_of(service)
  local message = { title = push.title(service, TITLE, UNIT), message = push.text(service, MESSAGE, UNIT) }
  message.priority = push.quiet(service) and 2 or PRIORITY[service.overall_status]
  if service.incident_url ~= "" then message.extras = { ["client::notification"] = { click = { url = service.incident_url } } } end
  return message
end

-- publish sends to one application; it returns true, or false, why, seconds to wait.
local function publish(server, message, token)
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
  local message, attempt = message_of(service), push.attempt(service)
  for _, user in ipairs(recipients.sms(service, users, duty_officers)) do
    local token = user.gotify_settings.token
    if token ~= "" then
      local ok, why, wait = publish(settings.server, message, token)
      if attempt.note(ok, ok or user.username .. ": " .. why, wait) then service:mark_sent(user) end
    end
  end
  if common ~= "" then attempt.common(function() return publish(settings.server, message, common) end) end
  if attempt.tried == 0 then return "skipped", "neither the service nor anybody whom this concerns has an application" end
  return attempt.outcome()
end

Gotify.send_alert_update = Gotify.send_alert

return Gotify

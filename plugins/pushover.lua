-- Pushover: push messages to the users and duty officers whom an event concerns, and
-- to the service's group. Who wishes gets CRITICAL as an emergency, which sounds again
-- and again until it is confirmed on the phone; when the incident is acknowledged or
-- over, it falls silent by itself.
local forms, http, log, recipients, store = require "forms", require "http", require "log", require "recipients", require "store"
local push = require "shipped.push"

local TWO_DAYS = 2 * 86400 -- longer than any delivery is tried
local PATIENCE = 10 -- seconds for an answer: others wait for their turn

local Pushover = {
  name = "Pushover", slug = "pushover", version = "1.0.0", author = "Moonwatch",
  summary = "Pushes to the Pushover keys of those whom it concerns.",
  font_icon = "fa fa-mobile", channel = "other", needs = { "token" }, homepage = "https://pushover.net/api",
  settings_form = {
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "PUSHOVER_TOKEN", label = "Application token",
      help_text = "API token of an application made at pushover.net. Else PUSHOVER_TOKEN is taken." },
  },
  service_config_form = {
    forms.CharField{ "group_key", required = false, widget = forms.PasswordInput, help_text = "Key of a delivery group that gets every event of this service" },
  },
  user_config_form = {
    forms.CharField{ "user_key", required = false, widget = forms.PasswordInput, help_text = "Your user key, as pushover.net shows it" },
    forms.BooleanField{ "emergency", help_text = "At CRITICAL, sound every minute until I confirm, for an hour at most" },
  },
}

-- Pushover refuses a message of more than 1,024 characters, and a title of more than 250.
local UNIT, TITLE, MESSAGE = "characters", 250, 1024

local PRIORITY = { CRITICAL = 1, ERROR = 1, WARNING = 0, PASSING = 0 }

local function message_of(service, token)
  local message = {
    token = token, title = push.title(service, TITLE, UNIT), message = push.text(service, MESSAGE, UNIT),
    timestamp = math.floor(service.event_at), priority = push.quiet(service) and -1 or PRIORITY[service.overall_status],
  }
  if service.incident_url ~= "" and #service.incident_url <= 512 then message.url, message.url_title = service.incident_url, "Open" end
  return message
end

-- call makes one request; it returns true, or false, why, seconds to wait, hopeless.
-- Pushover asks not to repeat what it refused by 4xx.
local function call(path, form)
  local response, problem = http.post("https://api.pushover.net/1/" .. path, { form = form, timeout = PATIENCE, redirects = false })
  if not response then return false, "Pushover could not be reached: " .. problem end
  local answer = response:json()
  if type(answer) ~= "table" then answer = {} end
  if response.status == 200 and answer.status == 1 then return true end
  local problems = {}
  for i, problem in ipairs(type(answer.errors) == "table" and answer.errors or {}) do problems[i] = tostring(problem) end
  local what = table.concat(problems, ", ")
  local why = "Pushover answered " .. response.status .. (what ~= "" and ": " .. what or "")
  return false, why, tonumber(response.headers["Retry-After"]), response.status >= 400 and response.status < 500 and response.status ~= 429
end

-- hush ends the emergencies of this incident.
local function hush(service, token)
  local key = "emergency:" .. service.incident_key
  if not store.get(key) then return end
  local ok, why = call("receipts/cancel_by_tag/" .. service.incident_key .. ".json", { token = token })
  if ok then store.delete(key) else log.warn("the emergency could not be cancelled: " .. why) end
end

function Pushover:send_alert(service, users, duty_officers)
  local token = self.settings.token
  if token == "" then return false, "The application token must be set in the plugin's settings, or by PUSHOVER_TOKEN" end
  local kind = service.alert_kind
  if kind == "acknowledged" or kind == "recovery" then hush(service, token) end

  local base, attempt, hopeless = message_of(service, token), push.attempt(service), true
  local function send(whose, key, changes)
    local form = { user = key }
    for name, value in pairs(base) do form[name] = value end
    for name, value in pairs(changes or {}) do form[name] = value end
    local ok, why, wait, useless = call("messages.json", form)
    if ok then return true end
    hopeless = hopeless and useless
    return false, whose .. ": " .. why, wait
  end

  local pages = kind == "firing" or kind == "escalation" or kind == "repeat"
  for _, user in ipairs(recipients.sms(service, users, duty_officers)) do
    local own = user.pushover_settings
    local emergency = own.emergency and pages and service.overall_status == "CRITICAL"
    if emergency then store.set("emergency:" .. service.incident_key, true, TWO_DAYS) end
    local changes = emergency and { priority = 2, retry = 60, expire = 3600, tags = service.incident_key }
    if own.user_key ~= "" and attempt.note(send(user.username, own.user_key, changes)) then service:mark_sent(user) end
  end
  local group = service.pushover_settings.group_key
  if group ~= "" then attempt.common(function() return send("the group", group) end) end
  if attempt.tried == 0 then return "skipped", "neither the service nor anybody whom this concerns has a key" end
  local sent, why, later = attempt.outcome()
  return sent, why, not sent and hopeless and { retry = false } or later
end

Pushover.send_alert_update = Pushover.send_alert

return Pushover

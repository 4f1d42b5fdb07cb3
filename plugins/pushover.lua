-- Pushover: push messages to the users and duty officers whom an event concerns, and
-- to the service's group. Who wishes gets CRITICAL as an emergency, which sounds again
-- and again until it is confirmed on the phone; when the incident is acknowledged or
-- over, it falls silent by itself.
local forms, http, log, store, utf8 = require "forms", require "http", require "log", require "store", require "utf8"
local recipients = require "recipients"

local MOST = 15 * 60 -- seconds that Pushover may ask to wait
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

local function message_of(service, token)
  local kind = service.alert_kind
  local quiet = kind == "update" or kind == "deescalation" or kind == "acknowledged" or kind == "unacknowledged"
  local message = {
    token = token, title = title_of(service), message = text_of(service),
    timestamp = math.floor(service.event_at), priority = quiet and -1 or PRIORITY[service.overall_status],
  }
  if service.page_url ~= "" and #service.page_url <= 512 then message.url, message.url_title = service.page_url, "Open" end
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

  local base, failed, wait, hopeless, tried = message_of(service, token), {}, nil, true, 0
  local function send(whose, key, changes)
    local form = { user = key }
    for name, value in pairs(base) do form[name] = value end
    for name, value in pairs(changes or {}) do form[name] = value end
    tried = tried + 1
    local ok, why, seconds, useless = call("messages.json", form)
    if ok then return true end
    failed[#failed + 1], hopeless = whose .. ": " .. why, hopeless and useless
    if seconds and seconds > 0 then wait = math.max(wait or 0, math.min(seconds, MOST)) end
  end

  local pages = kind == "firing" or kind == "escalation" or kind == "repeat"
  for _, user in ipairs(recipients.sms(service, users, duty_officers)) do
    local own = user.pushover_settings
    local emergency = own.emergency and pages and service.overall_status == "CRITICAL"
    if emergency then store.set("emergency:" .. service.incident_key, true, TWO_DAYS) end
    if own.user_key ~= "" and send(user.username, own.user_key, emergency and { priority = 2, retry = 60, expire = 3600, tags = service.incident_key }) then
      service:mark_sent(user)
    end
  end
  local group, key = service.pushover_settings.group_key, "sent:" .. service.delivery_id
  if group ~= "" and store.get(key) then
    tried = tried + 1
  elseif group ~= "" and send("the group", group) and #failed > 0 then
    store.set(key, true, TWO_DAYS) -- lest the users that failed have it sent again
  end
  if tried == 0 then return "skipped", "neither the service nor anybody whom this concerns has a key" end
  if #failed == 0 then return true end
  return false, table.concat(failed, "; "), hopeless and { retry = false } or wait and { retry_after = wait } or nil
end

Pushover.send_alert_update = Pushover.send_alert

return Pushover

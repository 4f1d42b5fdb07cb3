-- ntfy: push messages to phones and desktops, over ntfy.sh or a server of your own.
-- Each event goes to the service's topic, and to the topics of the users and duty
-- officers whom it concerns. On ntfy.sh everybody may read a topic whose name they
-- know: choose names that cannot be guessed.
local forms, http, recipients, url = require "forms", require "http", require "recipients", require "url"
local push = require "shipped.push"

local PATIENCE = 10 -- seconds for an answer: others wait for their turn

local Ntfy = {
  name = "ntfy", slug = "ntfy", version = "1.0.0", author = "Moonwatch",
  summary = "Pushes to an ntfy topic of the service and to those of its users.",
  font_icon = "fa fa-bell", channel = "other", homepage = "https://docs.ntfy.sh/publish/",
  settings_form = {
    forms.URLField{ "server", required = false, env = "NTFY_SERVER", placeholder = "https://ntfy.sh", help_text = "A server of your own. Else NTFY_SERVER is taken, else https://ntfy.sh." },
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "NTFY_TOKEN", label = "Access token", placeholder = "tk_…",
      help_text = "For topics that not everybody may write to. Else NTFY_TOKEN is taken." },
    forms.RegexField{ "topic", required = false, regex = "^[-_A-Za-z0-9]{1,64}$", help_text = "Topic of services that name none" },
  },
  service_config_form = {
    forms.RegexField{ "topic", required = false, regex = "^[-_A-Za-z0-9]{1,64}$", help_text = "Topic for this service, if not the one of the settings" },
  },
  user_config_form = {
    forms.RegexField{ "topic", required = false, regex = "^[-_A-Za-z0-9]{1,64}$", help_text = "A topic of your own, for the events that concern you" },
  },
}

-- ntfy makes a file of a message of more than 4,096 bytes.
local UNIT, TITLE, MESSAGE = "bytes", 250, 4096

local PRIORITY = { CRITICAL = 5, ERROR = 4, WARNING = 3, PASSING = 3 }
local TAGS = { CRITICAL = "rotating_light", ERROR = "red_circle", WARNING = "warning", PASSING = "white_check_mark" }

local function message_of(service)
  local message = {
    title = push.title(service, TITLE, UNIT), message = push.text(service, MESSAGE, UNIT), tags = { TAGS[service.overall_status] },
    priority = push.quiet(service) and 2 or PRIORITY[service.overall_status], actions = {},
  }
  local page, runbook = url.link(service.incident_url), url.link(service.runbook_link)
  if page ~= "" then message.click = page end
  if runbook ~= "" then message.actions[1] = { action = "view", label = "Runbook", url = runbook } end
  return message
end

-- publish sends to one topic; it returns true, or false, why, seconds to wait.
local function publish(settings, message, topic)
  message.topic = topic
  local server = settings.server ~= "" and settings.server or "https://ntfy.sh"
  local headers = settings.token ~= "" and { Authorization = "Bearer " .. settings.token } or nil
  local response, problem = http.post(server, { json = message, headers = headers, timeout = PATIENCE, redirects = false })
  if not response then return false, "ntfy could not be reached: " .. problem end
  if response.status == 200 then return true end
  local answer = response:json()
  local what = type(answer) == "table" and answer.error or nil
  return false, "ntfy answered " .. response.status .. (what and ": " .. tostring(what) or ""), tonumber(response.headers["Retry-After"])
end

-- topics_of gives the users' topics, each once, and who reads them.
local function topics_of(users, but)
  local list, readers = {}, {}
  for _, user in ipairs(users) do
    local topic = user.ntfy_settings.topic
    if topic ~= "" and topic ~= but then
      if not readers[topic] then list[#list + 1], readers[topic] = topic, {} end
      table.insert(readers[topic], user)
    end
  end
  return list, readers
end

function Ntfy:send_alert(service, users, duty_officers)
  local settings = self.settings
  local common = service.ntfy_settings.topic ~= "" and service.ntfy_settings.topic or settings.topic
  local topics, readers = topics_of(recipients.sms(service, users, duty_officers), common)
  if common == "" and #topics == 0 then return "skipped", "neither the service nor anybody whom this concerns has a topic" end

  local message, attempt = message_of(service), push.attempt(service)
  for _, topic in ipairs(topics) do
    if attempt.note(publish(settings, message, topic)) then
      for _, user in ipairs(readers[topic]) do service:mark_sent(user) end
    end
  end
  if common ~= "" then attempt.common(function() return publish(settings, message, common) end) end
  return attempt.outcome()
end

Ntfy.send_alert_update = Ntfy.send_alert

return Ntfy

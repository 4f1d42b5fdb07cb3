-- Rocket.Chat: a message in a channel for each event, through an incoming webhook
-- (Administration, Integrations, New, Incoming).
local forms, http, url, utf8 = require "forms", require "http", require "url", require "utf8"
local recipients = require "recipients"

local MOST = 15 * 60 -- seconds that Rocket.Chat may ask to wait
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local function web_address(value)
  if value:find("^https?://%S+$") then return value end
  return nil, "Enter a URL that begins with https://."
end

local RocketChat = {
  name = "Rocket.Chat", slug = "rocketchat", version = "1.0.0", author = "Moonwatch",
  summary = "Writes to a Rocket.Chat channel and mentions those whom it concerns.",
  font_icon = "fa fa-rocket", channel = "chat", needs = { "webhook_url" }, homepage = "https://docs.rocket.chat/docs/integrations",
  settings_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, env = "ROCKETCHAT_WEBHOOK_URL", label = "Webhook URL", clean = web_address,
      placeholder = "https://chat.example.org/hooks/…", help_text = "Incoming webhook of services that have none of their own. Else ROCKETCHAT_WEBHOOK_URL is taken." },
    forms.CharField{ "alias", required = false, max_length = 64, initial = "Moonwatch", help_text = "Name to write under" },
  },
  service_config_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, label = "Webhook URL", clean = web_address,
      help_text = "Incoming webhook for this service, if not the one of the settings" },
    forms.RegexField{ "channel", required = false, regex = "^[#@][^\\s]{1,100}$", placeholder = "#ops",
      help_text = "Channel (#name) or person (@name) for this service, if not the webhook's own; the webhook must be allowed to override it" },
  },
  user_config_form = {
    forms.RegexField{ "username", required = false, regex = "^@?[a-zA-Z0-9._-]{1,64}$", help_text = "Your Rocket.Chat user name" },
  },
}

local COLOURS = { PASSING = "#2eb67d", WARNING = "#ecb22e", ERROR = "#e8912d", CRITICAL = "#e01e5a" }

-- Rocket.Chat takes 5,000 characters, attachments included, unless it is told otherwise.
local UNIT, TEXT, ATTACHMENT = "utf16", 1500, 3400
local BREAK = "\226\128\139"

-- Rocket.Chat has no escapes within a line: what would be markup is put aside by a
-- zero-width space, and so is an @, so that names of checks mention nobody.
local function plain(text)
  return (text:gsub("[\\`*_~|@#$%[%]]", "%0" .. BREAK):gsub(":(%a[%w_+-]*:)", ":" .. BREAK .. "%1"):gsub("://", ":" .. BREAK .. "//"))
end

local function link(address, text)
  address, text = url.link(address), utf8.line(text, 150, UNIT, plain)
  return address ~= "" and "[" .. text .. "](" .. address .. ")" or text
end

local function headline(service)
  local name = (service.kind == "instance" and "Instance " or "Service ") .. link(service.page_url, service.name)
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  if kind == "acknowledged" then
    local by = ack and " by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 400, UNIT, plain) or ""
    return name .. " was acknowledged" .. by
  elseif kind == "unacknowledged" then
    return name .. " is no longer acknowledged"
  end
  local text = name .. (service.overall_status == "PASSING" and " is back to normal" or " reporting *" .. service.overall_status .. "* status")
  return kind == "test" and "Test: " .. text or text
end

local function checks_text(service)
  local lines = {}
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = "• " .. link(check.page_url, check.name) .. " (" .. check.severity .. ")"
    if check.error ~= "" then lines[i] = lines[i] .. ": " .. utf8.line(check.error, 300, UNIT, plain) end
    if url.link(check.runbook_link, 500) ~= "" then lines[i] = lines[i] .. " " .. link(check.runbook_link, "Runbook") end
  end
  local tail = url.link(service.runbook_link, 500) ~= "" and link(service.runbook_link, "Runbook of the service") or ""
  local text = utf8.fit(lines, ATTACHMENT - utf8.len(tail, UNIT) - 1, { unit = UNIT })
  return text .. (text ~= "" and tail ~= "" and "\n" or "") .. tail
end

local function mentions(users, room)
  local out = {}
  for _, user in ipairs(users) do
    local name = user.rocketchat_settings.username:gsub("^@", "")
    if name ~= "" then out[#out + 1] = "@" .. name end
  end
  return (utf8.fit(out, room, { unit = UNIT, separator = " " }))
end

-- refusal turns { success = false, error = … } into a reason; a message may stand
-- in its place.
local function refusal(response, answer)
  local what = type(answer) == "table" and (answer.error or answer.message) or nil
  if what == "error-invalid-channel" or what == "invalid-channel" then
    what = "there is no such channel, or the webhook's user may not write there"
  end
  local why = "Rocket.Chat answered " .. response.status .. (what and ": " .. tostring(what) or "")
  local wait = tonumber(response.headers["Retry-After"])
  return false, why, wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

function RocketChat:send_alert(service, users, duty_officers)
  local own, settings = service.rocketchat_settings, self.settings
  local address = own.webhook_url ~= "" and own.webhook_url or settings.webhook_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a webhook URL" end
  local text = headline(service)
  local whom = mentions(recipients.chat(service, users, duty_officers), TEXT - utf8.len(text, UNIT) - 1)
  if whom ~= "" then text = text .. " " .. whom end
  local response, problem = http.post(address, { redirects = false, timeout = PATIENCE, json = {
    text = text, alias = settings.alias ~= "" and settings.alias or nil, channel = own.channel ~= "" and own.channel or nil,
    attachments = { { color = COLOURS[service.overall_status], text = checks_text(service) } },
  } })
  if not response then return false, "Rocket.Chat could not be reached: " .. problem end
  local answer = response:json()
  if response.status == 200 and type(answer) == "table" and answer.success == true then return true end
  return refusal(response, answer)
end

RocketChat.send_alert_update = RocketChat.send_alert

return RocketChat

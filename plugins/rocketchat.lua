-- Rocket.Chat: a message in a channel for each event, through an incoming webhook
-- (Administration, Integrations, New, Incoming).
local forms, http, url, utf8 = require "forms", require "http", require "url", require "utf8"
local recipients, chat = require "recipients", require "shipped.chat"

local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang
local web_address = chat.web_address

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

local STYLE = { unit = UNIT, escape = plain, link = link, strong = "*", bullet = "• ", remark = 400, error = 300, address = 500 }

local function checks_text(service)
  local tail = url.link(service.runbook_link, 500) ~= "" and link(service.runbook_link, "Runbook of the service") or ""
  local text = utf8.fit(chat.checks(service, STYLE), ATTACHMENT - utf8.len(tail, UNIT) - 1, { unit = UNIT })
  return text .. (text ~= "" and tail ~= "" and "\n" or "") .. tail
end

local function mention(user)
  local name = user.rocketchat_settings.username:gsub("^@", "")
  return name ~= "" and "@" .. name or nil
end

-- refusal reads { success = false, error = … }; a message may stand in its place.
local function refusal(response, answer)
  local what = answer.error or answer.message
  if what == "error-invalid-channel" or what == "invalid-channel" then
    what = "there is no such channel, or the webhook's user may not write there"
  end
  return chat.refusal("Rocket.Chat", response, what)
end

function RocketChat:send_alert(service, users, duty_officers)
  local own, settings = service.rocketchat_settings, self.settings
  local address = own.webhook_url ~= "" and own.webhook_url or settings.webhook_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a webhook URL" end
  local text = chat.headline(service, STYLE)
  local whom = chat.mentions(recipients.chat(service, users, duty_officers), mention, TEXT - utf8.len(text, UNIT) - 1, STYLE)
  if whom ~= "" then text = text .. " " .. whom end
  local response, problem = http.post(address, { redirects = false, timeout = PATIENCE, json = {
    text = text, alias = settings.alias ~= "" and settings.alias or nil, channel = own.channel ~= "" and own.channel or nil,
    attachments = { { color = COLOURS[service.overall_status], text = checks_text(service) } },
  } })
  if not response then return false, "Rocket.Chat could not be reached: " .. problem end
  local answer = chat.object(response:json())
  if response.status == 200 and answer.success == true then return true end
  return refusal(response, answer)
end

RocketChat.send_alert_update = RocketChat.send_alert

return RocketChat

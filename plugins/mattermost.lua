-- Mattermost: a message in a channel for each event, through an incoming webhook
-- (Integrations, Incoming Webhooks). At CRITICAL it is marked as urgent, where the
-- server's licence knows priorities.
local forms, http, url, utf8 = require "forms", require "http", require "url", require "utf8"
local recipients, chat = require "recipients", require "shipped.chat"

local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang
local web_address = chat.web_address

local Mattermost = {
  name = "Mattermost", slug = "mattermost", version = "1.0.0", author = "Moonwatch",
  summary = "Writes to a Mattermost channel and mentions those whom it concerns.",
  font_icon = "fa fa-comments", channel = "chat", needs = { "webhook_url" }, homepage = "https://developers.mattermost.com/integrate/webhooks/incoming/",
  settings_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, env = "MATTERMOST_WEBHOOK_URL", label = "Webhook URL", clean = web_address,
      placeholder = "https://chat.example.org/hooks/…", help_text = "Incoming webhook of services that have none of their own. Else MATTERMOST_WEBHOOK_URL is taken." },
    forms.CharField{ "username", required = false, max_length = 64, initial = "Moonwatch",
      help_text = "Name to write under, where the server lets webhooks override it" },
  },
  service_config_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, label = "Webhook URL", clean = web_address,
      help_text = "Incoming webhook for this service, if not the one of the settings" },
    forms.CharField{ "channel", required = false, max_length = 64, placeholder = "town-square",
      help_text = "Channel for this service, as it is spelled in the channel's address, or @username; else the webhook's own. A webhook that is locked to its channel refuses it." },
    forms.BooleanField{ "urgent", help_text = "Mark messages at CRITICAL as urgent (needs a server that has message priorities)" },
  },
  user_config_form = {
    forms.RegexField{ "username", required = false, regex = "^@?[a-zA-Z0-9._-]{1,64}$", help_text = "Your Mattermost user name" },
  },
}

local COLOURS = { PASSING = "#2eb67d", WARNING = "#ecb22e", ERROR = "#e8912d", CRITICAL = "#e01e5a" }

-- Mattermost takes 16,383 characters, older servers 4,000 for the text.
local UNIT, TEXT, ATTACHMENT = "utf16", 3000, 12000
local BREAK = "\226\128\139" -- a zero-width space: what it parts is no mention, emoji or address any more

local function escape(text)
  return (text:gsub("[\\`*_~#|<>%[%]()]", "\\%0"):gsub("[@~]", "%0" .. BREAK):gsub(":(%a[%w_+-]*:)", ":" .. BREAK .. "%1")
    :gsub("://", ":" .. BREAK .. "//"):gsub("([Ww][Ww][Ww])%.", "%1" .. BREAK .. "."))
end

-- silent is for what is shown as it stands.
local function silent(text) return (text:gsub("@", "@" .. BREAK)) end

local function link(address, text)
  address, text = url.link(address), utf8.line(text, 150, UNIT, escape)
  return address ~= "" and "[" .. text .. "](" .. address .. ")" or text
end

local STYLE = { unit = UNIT, escape = escape, link = link, strong = "**", bullet = "* ", remark = 400, error = 300 }

local function checks_text(service)
  local tail = url.link(service.runbook_link) ~= "" and "\n\n" .. link(service.runbook_link, "Runbook of the service") or ""
  local text = utf8.fit(chat.checks(service, STYLE), ATTACHMENT - utf8.len(tail, UNIT), { unit = UNIT })
  return text == "" and tail:sub(2) or text .. tail
end

local function mention(user)
  local name = user.mattermost_settings.username:gsub("^@", "")
  return name ~= "" and "@" .. name or nil
end

-- refusal reads Mattermost's { id, message, status_code }.
local function refusal(response)
  -- X-Ratelimit-Reset is the number of seconds until the next request is taken.
  local wait = tonumber(response.headers["Retry-After"]) or response.status == 429 and tonumber(response.headers["X-Ratelimit-Reset"])
  return chat.refusal("Mattermost", response, chat.object(response:json()).message, wait)
end

function Mattermost:send_alert(service, users, duty_officers)
  local own, settings = service.mattermost_settings, self.settings
  local address = own.webhook_url ~= "" and own.webhook_url or settings.webhook_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a webhook URL" end
  local text = chat.headline(service, STYLE)
  local whom = chat.mentions(recipients.chat(service, users, duty_officers), mention, TEXT - utf8.len(text, UNIT) - 1, STYLE)
  if whom ~= "" then text = text .. " " .. whom end
  local message = {
    text = text, username = settings.username ~= "" and settings.username or nil, channel = own.channel ~= "" and own.channel or nil,
    attachments = { { fallback = utf8.line(service:get_status_message(false, 500), 600, UNIT, silent), color = COLOURS[service.overall_status], text = checks_text(service) } },
  }
  if own.urgent and service.overall_status == "CRITICAL" and service.alert_kind ~= "acknowledged" then
    message.priority = { priority = "urgent" }
  end
  local response, problem = http.post(address, { json = message, redirects = false, timeout = PATIENCE })
  if not response then return false, "Mattermost could not be reached: " .. problem end
  if response.status == 200 then return true end
  return refusal(response)
end

Mattermost.send_alert_update = Mattermost.send_alert

return Mattermost

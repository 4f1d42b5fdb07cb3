-- Google Chat: a message in a space for each event, through a webhook of that space
-- (Apps & integrations, Webhooks). All messages of one incident are one thread, and
-- an attempt that is made twice shows once: Google knows it by its request ID.
local forms, http, url, utf8 = require "forms", require "http", require "url", require "utf8"
local recipients, chat = require "recipients", require "shipped.chat"

local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local function webhook_address(value)
  if value:find("^https?://%S+/messages%?%S+$") then return value end
  return nil, "Enter the whole webhook URL, with /messages?key=… at its end."
end

local GoogleChat = {
  name = "Google Chat", slug = "google_chat", version = "1.0.0", author = "Moonwatch",
  summary = "Writes to a Google Chat space and mentions those whom it concerns.",
  font_icon = "fa fa-comment", channel = "chat", needs = { "webhook_url" }, homepage = "https://developers.google.com/workspace/chat/quickstart/webhooks",
  settings_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, env = "GOOGLE_CHAT_WEBHOOK_URL", label = "Webhook URL", clean = webhook_address,
      placeholder = "https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
      help_text = "Webhook of services that have none of their own. Else GOOGLE_CHAT_WEBHOOK_URL is taken." },
  },
  service_config_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, label = "Webhook URL", clean = webhook_address,
      help_text = "Webhook of this service's space, if not the one of the settings" },
  },
  user_config_form = {
    forms.RegexField{ "user_id", required = false, regex = "^([0-9]{5,30}|[^\\s@<>|]+@[^\\s@<>|]+)$", label = "User ID", placeholder = "112233445566778899001",
      help_text = "The number of your Google account (the People API shows it), or the e-mail address of your Workspace account" },
  },
}

local MOST_BYTES = 4096 -- of a message's text
local BREAK = "\226\128\139"

-- Google Chat has no escapes: what would be markup is put aside by a zero-width space.
local function plain(text) return (text:gsub("[*_~`<@]", "%0" .. BREAK):gsub("://", ":" .. BREAK .. "//")) end

local function link(address, text)
  address, text = url.link(address, 500), utf8.line(text, 300, "bytes", plain)
  return address ~= "" and "<" .. address .. "|" .. text:gsub("[|>]", "/") .. ">" or text
end

local STYLE = { unit = "bytes", escape = plain, link = link, strong = "*", bullet = "• ", remark = 600, error = 600, address = 500 }

local function mention(user)
  local id = user.google_chat_settings.user_id
  return id ~= "" and "<users/" .. id .. ">" or nil
end

local function message_of(service, whom)
  local head = chat.headline(service, STYLE) .. (whom ~= "" and " " .. whom or "")
  local tail = url.link(service.runbook_link, 500) ~= "" and "\n" .. link(service.runbook_link, "Runbook of the service") or ""
  local text = utf8.fit(chat.checks(service, STYLE), MOST_BYTES - #head - #tail - 1, { unit = "bytes" })
  return head .. (text ~= "" and "\n" or "") .. text .. tail
end

-- refusal reads { error = { code, message, status } }.
local function refusal(response)
  local problem = chat.object(chat.object(response:json()).error)
  return chat.refusal("Google Chat", response, response.status == 404 and "the space or the webhook is gone" or problem.message)
end

function GoogleChat:send_alert(service, users, duty_officers)
  local own = service.google_chat_settings
  local address = own.webhook_url ~= "" and own.webhook_url or self.settings.webhook_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a webhook URL" end
  local whom = chat.mentions(recipients.chat(service, users, duty_officers), mention, 1500, STYLE)
  local response, problem = http.post(address, {
    query = { messageReplyOption = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD", requestId = service.delivery_id },
    json = { text = message_of(service, whom), thread = { threadKey = service.incident_key } },
    redirects = false, timeout = PATIENCE })
  if not response then return false, "Google Chat could not be reached: " .. problem end
  if response.status == 200 then return true end
  return refusal(response)
end

GoogleChat.send_alert_update = GoogleChat.send_alert

return GoogleChat

-- Google Chat: a message in a space for each event, through a webhook of that space
-- (Apps & integrations, Webhooks). All messages of one incident are one thread, and
-- an attempt that is made twice shows once: Google knows it by its request ID.
local forms, http, url, utf8 = require "forms", require "http", require "url", require "utf8"
local recipients = require "recipients"

local MOST = 15 * 60 -- seconds that Google may ask to wait
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

local function headline(service)
  local name = (service.kind == "instance" and "Instance " or "Service ") .. link(service.page_url, service.name)
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  if kind == "acknowledged" then
    local by = ack and " by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 600, "bytes", plain) or ""
    return name .. " was acknowledged" .. by
  elseif kind == "unacknowledged" then
    return name .. " is no longer acknowledged"
  end
  local text = name .. (service.overall_status == "PASSING" and " is back to normal" or " reporting *" .. service.overall_status .. "* status")
  return kind == "test" and "Test: " .. text or text
end

local function mentions(users)
  local out = {}
  for _, user in ipairs(users) do
    local id = user.google_chat_settings.user_id
    if id ~= "" then out[#out + 1] = "<users/" .. id .. ">" end
  end
  return (utf8.fit(out, 1500, { unit = "bytes", separator = " " }))
end

local function message_of(service, whom)
  local head, lines = headline(service) .. (whom ~= "" and " " .. whom or ""), {}
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = "• " .. link(check.page_url, check.name) .. " (" .. check.severity .. ")"
    if check.error ~= "" then lines[i] = lines[i] .. ": " .. utf8.line(check.error, 600, "bytes", plain) end
    if url.link(check.runbook_link, 500) ~= "" then lines[i] = lines[i] .. " " .. link(check.runbook_link, "Runbook") end
  end
  local tail = url.link(service.runbook_link, 500) ~= "" and "\n" .. link(service.runbook_link, "Runbook of the service") or ""
  local text = utf8.fit(lines, MOST_BYTES - #head - #tail - 1, { unit = "bytes" })
  return head .. (text ~= "" and "\n" or "") .. text .. tail
end

-- refusal turns { error = { code, message, status } } into a reason.
local function refusal(response)
  local answer = response:json()
  local problem = type(answer) == "table" and type(answer.error) == "table" and answer.error or {}
  local why = "Google Chat answered " .. response.status
  if response.status == 404 then
    why = why .. ": the space or the webhook is gone"
  elseif problem.message then
    why = why .. ": " .. tostring(problem.message)
  end
  local wait = tonumber(response.headers["Retry-After"])
  return false, why, wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

function GoogleChat:send_alert(service, users, duty_officers)
  local own = service.google_chat_settings
  local address = own.webhook_url ~= "" and own.webhook_url or self.settings.webhook_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a webhook URL" end
  local whom = mentions(recipients.chat(service, users, duty_officers))
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

-- Telegram: a message in a group, channel or private chat for each event, from a bot
-- (made with @BotFather) that is a member there. All messages of one incident answer
-- the first one. What calls for nobody comes without a sound.
local forms, html, http, log, store = require "forms", require "html", require "http", require "log", require "store"
local url, utf8, recipients = require "url", require "utf8", require "recipients"

local MOST = 15 * 60 -- seconds that Telegram may ask to wait
local MONTH = 30 * 86400
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local Telegram = {
  name = "Telegram", slug = "telegram", version = "1.0.0", author = "Moonwatch",
  summary = "Writes to a Telegram chat and mentions those whom it concerns.",
  font_icon = "fa fa-telegram", channel = "chat", needs = { "token", "chat_id" }, homepage = "https://core.telegram.org/bots/api#sendmessage",
  settings_form = {
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "TELEGRAM_TOKEN", label = "Bot token", placeholder = "123456:ABC-DEF…",
      help_text = "Token that @BotFather gave. Else TELEGRAM_TOKEN is taken." },
    forms.RegexField{ "chat_id", required = false, env = "TELEGRAM_CHAT_ID", regex = "^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,40})$", label = "Chat ID", placeholder = "-1001234567890",
      help_text = "Chat of services that name none: a number, or @name of a public group or channel. Else TELEGRAM_CHAT_ID is taken." },
    forms.URLField{ "server", required = false, placeholder = "https://api.telegram.org", help_text = "Another Bot API server, if you run your own" },
  },
  service_config_form = {
    forms.RegexField{ "chat_id", required = false, regex = "^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,40})$", label = "Chat ID",
      help_text = "Chat for this service, if not the one of the settings: a number, or @name of a public group or channel" },
    forms.IntegerField{ "topic", required = false, min_value = 1, help_text = "ID of the topic, in a group that has topics" },
  },
  user_config_form = {
    forms.RegexField{ "alias", required = false, regex = "^([0-9]{1,20}|@?[A-Za-z][A-Za-z0-9_]{3,40})$", label = "User name or ID", placeholder = "@ada",
      help_text = "Your Telegram user name, or your user ID (a number) if you have none" },
  },
}

local UNIT, MOST_TEXT = "utf16", 4096

local function link(address, text)
  address = url.link(address, 500)
  return address ~= "" and '<a href="' .. html.escape(address) .. '">' .. utf8.line(text, 100, UNIT, html.escape) .. "</a>"
end

-- quoted is text from elsewhere. Telegram makes links of what looks like a mention,
-- a tag, a command or an address, wherever it stands but in code.
local function quoted(text, most)
  if not text:find("[@#/$.][%w_]") then return utf8.line(text, most, UNIT, html.escape) end
  return "<code>" .. utf8.line(text, most, UNIT, html.escape) .. "</code>"
end

local function named(address, text) return link(address, text) or quoted(text, 100) end

local function headline(service)
  local name = (service.kind == "instance" and "Instance " or "Service ") .. named(service.incident_url, service.name)
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  if kind == "acknowledged" then
    local by = ack and " by " .. quoted(ack.user, 100) .. (ack.comment ~= "" and ": " .. quoted(ack.comment, 400) or "") or ""
    return name .. " was acknowledged" .. by
  elseif kind == "unacknowledged" then
    return name .. " is no longer acknowledged"
  end
  local text = name .. (service.overall_status == "PASSING" and " is back to normal" or " reporting <b>" .. service.overall_status .. "</b> status")
  return kind == "test" and "Test: " .. text or text
end

local function mentions(users)
  local out = {}
  for _, user in ipairs(users) do
    local alias = user.telegram_settings.alias
    if alias:find("^%d+$") then
      out[#out + 1] = '<a href="tg://user?id=' .. alias .. '">' .. utf8.line(user.username, 50, UNIT, html.escape) .. "</a>"
    elseif alias ~= "" then
      out[#out + 1] = "@" .. alias:gsub("^@", "")
    end
  end
  return (utf8.fit(out, 1200, { unit = UNIT, separator = " " }))
end

-- text_of counts the marks, too, which Telegram does not.
local function text_of(service, whom)
  local head, lines = headline(service) .. (whom ~= "" and " " .. whom or ""), {}
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = "• " .. named(check.page_url, check.name) .. " (" .. check.severity .. ")" .. (check.error ~= "" and ": " .. quoted(check.error, 300) or "")
    local runbook = link(check.runbook_link, "Runbook")
    if runbook then lines[i] = lines[i] .. " " .. runbook end
  end
  local runbook = link(service.runbook_link, "Runbook of the service")
  local tail = runbook and "\n" .. runbook or ""
  local text = utf8.fit(lines, MOST_TEXT - utf8.len(head .. tail, UNIT) - 1, { unit = UNIT })
  return head .. (text ~= "" and "\n" or "") .. text .. tail
end

-- What Telegram's descriptions mean for who set this up.
local function advice(status, description)
  if status == 401 or status == 404 then return "the bot token is wrong" end
  if description:find("chat not found", 1, true) then return "there is no such chat, or the bot is not in it" end
  if description:find("message thread not found", 1, true) then return "there is no such topic in the chat" end
  if description:find("bot was kicked", 1, true) or description:find("not a member", 1, true) then return "the bot is not in the chat any more" end
  return description
end

-- post sends one message; it returns Telegram's message, or nil, why, retry, and the
-- chat's new ID when a group has become a supergroup.
local function post(settings, message)
  local server = settings.server ~= "" and settings.server:gsub("/+$", "") or "https://api.telegram.org"
  local response, problem = http.post(server .. "/bot" .. settings.token .. "/sendMessage", { json = message, timeout = PATIENCE, redirects = false })
  if not response then return nil, "Telegram could not be reached: " .. problem end
  local answer = response:json()
  if type(answer) ~= "table" then answer = {} end
  if response.status == 200 and answer.ok == true then return type(answer.result) == "table" and answer.result or {} end
  local parameters = type(answer.parameters) == "table" and answer.parameters or {}
  local what = advice(response.status, tostring(answer.description or ""))
  local wait = tonumber(parameters.retry_after) or tonumber(response.headers["Retry-After"])
  return nil, "Telegram answered " .. response.status .. (what ~= "" and ": " .. what or ""),
    wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil, parameters.migrate_to_chat_id
end

function Telegram:send_alert(service, users, duty_officers)
  local settings, own = self.settings, service.telegram_settings
  if settings.token == "" then return false, "The bot token must be set in the plugin's settings, or by TELEGRAM_TOKEN" end
  local chat = own.chat_id ~= "" and own.chat_id or settings.chat_id
  if chat == "" then return false, "Neither this service nor the plugin's settings name a chat" end
  local kind = service.alert_kind
  local message = {
    chat_id = chat, text = text_of(service, mentions(recipients.chat(service, users, duty_officers))), parse_mode = "HTML",
    link_preview_options = { is_disabled = true }, message_thread_id = own.topic,
    disable_notification = kind == "update" or kind == "deescalation" or kind == "acknowledged",
  }
  local key = "thread:" .. service.incident_key
  local first = store.get(key)
  if first and first.chat == chat then
    message.reply_parameters = { message_id = first.message, allow_sending_without_reply = true }
  end
  local sent, why, retry, moved = post(settings, message)
  if not sent and moved then
    log.warn("the chat " .. chat .. " has become " .. tostring(moved) .. ": change its ID")
    message.chat_id, message.reply_parameters = tostring(moved), nil
    sent, why, retry = post(settings, message)
  end
  if not sent then return false, why, retry end
  if not first and sent.message_id then
    local kept, problem = store.set(key, { chat = chat, message = sent.message_id }, MONTH)
    if not kept then log.warn("the first message could not be kept: " .. tostring(problem)) end
  end
  return true
end

Telegram.send_alert_update = Telegram.send_alert

return Telegram

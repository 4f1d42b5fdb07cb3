-- Discord: an embed in a channel for each event, through a webhook of that channel
-- (channel settings, Integrations, Webhooks). Those whom it concerns are pinged by
-- their user IDs, and nobody else: @everyone in the name of a check pings no one.
local forms, http, time, url, utf8 = require "forms", require "http", require "time", require "url", require "utf8"
local recipients, chat = require "recipients", require "shipped.chat"

local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang
local web_address = chat.web_address

local Discord = {
  name = "Discord", slug = "discord", version = "1.0.0", author = "Moonwatch",
  summary = "Posts to a Discord channel and pings those whom it concerns.",
  font_icon = "fa fa-comments", channel = "chat", needs = { "webhook_url" }, homepage = "https://discord.com/developers/docs/resources/webhook",
  settings_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, env = "DISCORD_WEBHOOK_URL", label = "Webhook URL", clean = web_address,
      placeholder = "https://discord.com/api/webhooks/…", help_text = "Webhook of services that have none of their own. Else DISCORD_WEBHOOK_URL is taken." },
  },
  service_config_form = {
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, label = "Webhook URL", clean = web_address,
      help_text = "Webhook of this service's channel, if not the one of the settings" },
    forms.RegexField{ "thread_id", required = false, regex = "^[0-9]{15,22}$", label = "Thread ID",
      help_text = "Thread or forum post of that channel to write to: a number, copied in Discord's developer mode" },
  },
  user_config_form = {
    forms.RegexField{ "user_id", required = false, regex = "^[0-9]{15,22}$", label = "User ID", placeholder = "80351110224678912",
      help_text = "Your Discord user ID: a number, copied in Discord's developer mode" },
  },
}

local COLOURS = { PASSING = 0x2EB67D, WARNING = 0xECB22E, ERROR = 0xE8912D, CRITICAL = 0xE01E5A }

-- What Discord's error codes mean for who set this up. They are texts here: a table
-- with one large number for a key would hold room for all numbers below it.
local ADVICE = {
  ["10015"] = "there is no such webhook: it was deleted, or the URL is wrong",
  ["10003"] = "there is no such thread in the webhook's channel",
  ["50027"] = "the webhook's token is wrong",
  ["220001"] = "the channel is a forum: a thread ID must be set",
}

-- Discord's limits, in characters. It counts code points; UTF-16 is never fewer.
local UNIT, TITLE, DESCRIPTION, VALUE, CONTENT = "utf16", 256, 4096, 1024, 2000
local BREAK = "\226\128\139" -- a zero-width space: what it parts is no mention, emoji or address any more

-- in_title escapes what is live in the middle of a line.
local function in_title(text)
  return (text:gsub("[\\`*_~|%[%]]", "\\%0"):gsub("<([@#:/])", "\\<%1"):gsub("<(%a+:)", "\\<%1"):gsub("@", "@" .. BREAK)
    :gsub(":(%a[%w_]*:)", ":" .. BREAK .. "%1"))
end

local function in_link(text) return (in_title(text):gsub(">", "\\>")) end

local function escape(text) return (in_link(text):gsub("://", ":" .. BREAK .. "//")) end

local function headline(service)
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  local function titled(after)
    local before = (kind == "test" and "Test: " or "") .. (service.kind == "instance" and "Instance " or "Service ")
    return before .. utf8.line(service.name, TITLE - utf8.len(before .. after, UNIT), UNIT, in_title) .. after
  end
  if kind == "acknowledged" then
    local by = ack and " by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 100, UNIT, in_title) or ""
    return titled(" was acknowledged" .. by)
  elseif kind == "unacknowledged" then
    return titled(" is no longer acknowledged")
  end
  return titled(service.overall_status == "PASSING" and " is back to normal" or " reporting " .. service.overall_status .. " status")
end

local function link(address, text)
  address = url.link(address)
  return address ~= "" and "[" .. utf8.line(text, 100, UNIT, in_link) .. "](" .. address .. ")" or utf8.line(text, 100, UNIT, escape)
end

local STYLE = { unit = UNIT, escape = escape, link = link, bullet = "• ", error = 300 }

local function mentions(users)
  local ids, texts = {}, {}
  for _, user in ipairs(users) do
    local id = user.discord_settings.user_id
    if id ~= "" and #ids < 100 then
      ids[#ids + 1], texts[#texts + 1] = id, "<@" .. id .. ">"
    end
  end
  return ids, (utf8.fit(texts, CONTENT, { unit = UNIT, separator = " " }))
end

-- refusal says what Discord answered, and how long it asks to wait.
local function refusal(response)
  local answer = chat.object(response:json())
  return chat.refusal("Discord", response, ADVICE[tostring(answer.code)] or answer.message, tonumber(answer.retry_after))
end

function Discord:send_alert(service, users, duty_officers)
  local own = service.discord_settings
  local address = own.webhook_url ~= "" and own.webhook_url or self.settings.webhook_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a webhook URL" end
  local ids, text = mentions(recipients.chat(service, users, duty_officers))
  local embed = {
    title = headline(service), description = (utf8.fit(chat.checks(service, STYLE), DESCRIPTION, { unit = UNIT })),
    color = COLOURS[service.overall_status], timestamp = time.format(service.event_at),
  }
  local page, runbook = url.link(service.incident_url), url.link(service.runbook_link, VALUE)
  if page ~= "" then embed.url = page end
  if runbook ~= "" then embed.fields = { { name = "Runbook", value = runbook } } end

  local query = { wait = "true" } -- an answer with the message: without it Discord reports no errors of its own
  if own.thread_id ~= "" then query.thread_id = own.thread_id end
  local response, problem = http.post(address, { query = query, redirects = false, timeout = PATIENCE,
    json = { content = text, embeds = { embed }, allowed_mentions = { parse = {}, users = ids } } })
  if not response then return false, "Discord could not be reached: " .. problem end
  if response.status == 200 or response.status == 204 then return true end
  return refusal(response)
end

Discord.send_alert_update = Discord.send_alert

return Discord

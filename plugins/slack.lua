-- Slack: a message in the service's channel for each event. With a token, all
-- messages of one incident are one thread, and recovery shows in the channel too.
-- With a signing secret, messages have a button that acknowledges the incident.
local forms, http, json, log, store = require "forms", require "http", require "json", require "log", require "store"
local crypto, recipients, time, url, utf8 = require "crypto", require "recipients", require "time", require "url", require "utf8"
local chat = require "shipped.chat"

local MOST = 15 * 60 -- seconds that Slack may ask to wait
local MONTH = 30 * 86400
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang
local STALE = 5 * 60 -- seconds after which a signature is no longer taken: Slack's own advice

local Slack = {
  name = "Slack", slug = "slack", version = "1.1.0", author = "Moonwatch",
  summary = "Writes to a Slack channel and mentions those whom it concerns.",
  font_icon = "fa fa-slack", channel = "chat", needs = { { "token", "channel" }, { "webhook_url" } },
  settings_form = {
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "SLACK_TOKEN", placeholder = "xoxb-…",
      help_text = "Bot token with the scope chat:write; the bot must be a member of the channels. Else SLACK_TOKEN is taken." },
    forms.CharField{ "webhook_url", required = false, widget = forms.PasswordInput, env = "SLACK_WEBHOOK_URL", label = "Webhook URL",
      help_text = "Incoming webhook, used where there is no token: no threads. Else SLACK_WEBHOOK_URL is taken." },
    forms.CharField{ "channel", required = false, env = "SLACK_ALERT_CHANNEL", placeholder = "#alerts",
      help_text = "Channel of services that name none. Else SLACK_ALERT_CHANNEL is taken." },
    forms.CharField{ "signing_secret", required = false, widget = forms.PasswordInput, env = "SLACK_SIGNING_SECRET",
      help_text = "The Slack app's signing secret: with it, and a public URL of this monitor, messages have a button to acknowledge. " ..
        "Under “Interactivity” of the app, the request URL is this monitor's public URL with /plugins/slack/callback behind it. " ..
        "Else SLACK_SIGNING_SECRET is taken." },
  },
  service_config_form = {
    forms.CharField{ "channel", required = false, placeholder = "#ops", help_text = "Channel for this service, if not the one of the settings" },
  },
  user_config_form = {
    forms.CharField{ "alias", required = false, max_length = 50, placeholder = "U012AB3CD",
      help_text = "Slack member ID (in your Slack profile under “Copy member ID”), or user name" },
  },
}

local COLOURS = { PASSING = "#2eb67d", WARNING = "#ecb22e", ERROR = "#e8912d", CRITICAL = "#e01e5a" }

-- What Slack answers, and what to do about it.
local ADVICE = {
  not_in_channel = "invite the bot to the channel", channel_not_found = "there is no such channel, or the bot may not see it",
  is_archived = "the channel is archived", invalid_auth = "the token is wrong", token_revoked = "the token was revoked",
  missing_scope = "the token lacks the scope chat:write", no_service = "the webhook was removed",
}

-- Slack splits a text of more than 4,000 characters and cuts an attachment's at 8,000.
local UNIT, TEXT, ATTACHMENT = "utf16", 4000, 7000
local BREAK = "\226\128\139" -- a zero-width space: what it parts is no markup, mention or address any more

-- Slack has escapes for & < > alone. What else it makes something of is parted.
local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }):gsub("[*_~`@#]", "%0" .. BREAK)
    :gsub("://", ":" .. BREAK .. "//"):gsub(":(%a[%w_+-]*:)", ":" .. BREAK .. "%1"))
end

local function link(address, text)
  address, text = url.link(address), utf8.line(text, 100, UNIT, escape)
  return address ~= "" and "<" .. address:gsub("&", "&amp;") .. "|" .. text:gsub("|", "/") .. ">" or text
end

local EVERYBODY = { here = true, channel = true, everyone = true, group = true }

-- mentions gives those whom to mention in room characters, and whether there are
-- names among them that Slack has to find.
local function mentions(users, room)
  local out, names = {}, false
  for _, user in ipairs(users) do
    local alias = user.slack_settings.alias:gsub("^@", "")
    if alias:find("^[UW][A-Z0-9]+$") then
      out[#out + 1] = "<@" .. alias .. ">"
    elseif alias ~= "" and not EVERYBODY[alias:lower()] then
      out[#out + 1], names = "@" .. utf8.line(alias, 50, UNIT, escape), true
    end
  end
  return (utf8.fit(out, room, { unit = UNIT, separator = " " })), names
end

local STYLE = { unit = UNIT, escape = escape, link = link, bullet = "• ", error = 300 }

local function checks_text(service) return (utf8.fit(chat.checks(service, STYLE), ATTACHMENT, { unit = UNIT })) end

local function headline(service)
  local name = (service.kind == "instance" and "Instance " or "Service ") .. link(service.incident_url, service.name)
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  if kind == "acknowledged" and ack then
    return name .. " was acknowledged by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 400, UNIT, escape)
  elseif kind == "acknowledged" or kind == "unacknowledged" then
    return name .. " is " .. (kind == "acknowledged" and "acknowledged" or "no longer acknowledged")
  end
  local text = service.overall_status == "PASSING" and name .. " is back to normal" or name .. " reporting " .. service.overall_status .. " status"
  return kind == "test" and "Test: " .. text or text
end

-- acknowledge_button is an attachment with the button, or nil where there is
-- nothing to acknowledge, or nobody who would hear of it.
local function acknowledge_button(self, service)
  if self.settings.signing_secret == "" or not self:view_url("callback") then return nil end
  if service.overall_status == "PASSING" or service.alert_kind == "test" or service:unexpired_acknowledgement() then return nil end
  return { color = COLOURS[service.overall_status], fallback = "Acknowledge", blocks = { { type = "actions", elements = { {
    type = "button", action_id = "acknowledge", text = { type = "plain_text", text = "Acknowledge" },
    value = json.encode{ service = service.id, incident = service.incident_key },
  } } } } }
end

local function failure(response)
  local wait = tonumber(response.headers["Retry-After"])
  return wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

-- post_webhook sends through an incoming webhook, which answers "ok".
local function post_webhook(address, message)
  local response, problem = http.post(address, { json = message, redirects = false, timeout = PATIENCE })
  if not response then return false, "Slack could not be reached: " .. problem end
  if response.status == 200 then return true end
  local word = response.body:sub(1, 100)
  return false, ("Slack answered %d: %s"):format(response.status, ADVICE[word] or word), failure(response)
end

-- post_message sends with a token; it returns the message's timestamp in place of true.
local function post_message(token, message)
  local response, problem = http.post("https://slack.com/api/chat.postMessage", {
    json = message, timeout = PATIENCE, headers = { Authorization = "Bearer " .. token, ["Content-Type"] = "application/json; charset=utf-8" } })
  if not response then return false, "Slack could not be reached: " .. problem end
  local answer = response:json()
  if response.status == 200 and type(answer) == "table" then
    if answer.ok == true then return answer.ts or true end
    local word = tostring(answer.error)
    return false, "Slack refused the message: " .. word .. (ADVICE[word] and " (" .. ADVICE[word] .. ")" or ""), failure(response), word
  end
  return false, "Slack answered " .. response.status, failure(response)
end

local function send_threaded(service, token, message)
  local key = "thread:" .. service.incident_key
  local thread = store.get(key)
  if thread and thread.channel == message.channel then
    message.thread_ts = thread.ts
    -- what calls for somebody must show in the channel, not in the thread alone
    message.reply_broadcast = service.alert_kind ~= "update" and service.alert_kind ~= "acknowledged"
  end
  local ts, why, retry, word = post_message(token, message)
  if not ts and message.thread_ts and word == "thread_not_found" then
    message.thread_ts, message.reply_broadcast = nil, nil
    ts, why, retry = post_message(token, message)
  end
  if not ts then return false, why, retry end
  if not message.thread_ts and type(ts) == "string" then
    local kept, problem = store.set(key, { channel = message.channel, ts = ts }, MONTH)
    if not kept then log.warn("the thread could not be kept: " .. tostring(problem)) end
  end
  return true
end

function Slack:send_alert(service, users, duty_officers)
  local settings = self.settings
  local channel = service.slack_settings.channel
  if channel == "" then channel = settings.channel end
  local text = headline(service)
  local whom, names = mentions(recipients.chat(service, users, duty_officers), TEXT - utf8.len(text, UNIT) - 1)
  if whom ~= "" then text = text .. " " .. whom end
  local message = {
    channel = channel ~= "" and channel or nil, text = text,
    link_names = names or nil, unfurl_links = false, -- names are looked for only where there are some
    attachments = { { color = COLOURS[service.overall_status], text = checks_text(service), fallback = utf8.line(service:get_status_message(true, 1000), 1500, UNIT, escape) } },
  }
  message.attachments[2] = acknowledge_button(self, service)
  if settings.token ~= "" then
    if channel == "" then return false, "Neither this service nor the plugin's settings name a channel" end
    return send_threaded(service, settings.token, message)
  elseif settings.webhook_url ~= "" then
    return post_webhook(settings.webhook_url, message)
  end
  return false, "A token or a webhook URL must be set in the plugin's settings"
end

Slack.send_alert_update = Slack.send_alert

-- signed reports whether Slack itself sent a request, and just now.
local function signed(secret, request)
  local stamp, signature = request.headers["X-Slack-Request-Timestamp"], request.headers["X-Slack-Signature"]
  local at = tonumber(stamp or "")
  if not at or not signature or math.abs(time.now() - at) > STALE then return false end
  return crypto.equal(signature, "v0=" .. crypto.hmac("sha256", secret, "v0:" .. stamp .. ":" .. request.body))
end

-- user_of finds who has a Slack user's member ID, or name, as their alias.
local function user_of(monitor, who)
  local users, problem = monitor.users()
  if not users then error(problem) end
  for _, user in ipairs(users) do
    local alias = user.slack_settings.alias:gsub("^@", "")
    if alias ~= "" and (alias == who.id or alias == who.username or alias == who.name) then return user end
  end
end

local REFUSALS = {
  not_found = "Moonwatch no longer has this service.", not_failing = "It is not failing any more.",
  other_incident = "That incident is over; a newer one is open now.",
}

-- acknowledge does what the button asks for; it returns what to tell who pressed it.
local function acknowledge(monitor, payload, value)
  local who = type(payload.user) == "table" and payload.user or {}
  local user = user_of(monitor, who)
  if not user then
    return "Moonwatch knows nobody with your Slack member ID, " .. tostring(who.id) .. ": enter it in your settings there."
  end
  local done, message, kind = monitor.acknowledge(value.service, user.username, "in Slack", { incident_key = value.incident })
  if not done then return REFUSALS[kind] or "It could not be acknowledged: " .. message end
end

-- tell writes to the one person who pressed the button.
local function tell(payload, text)
  local address = tostring(payload.response_url)
  if address:sub(1, 24) ~= "https://hooks.slack.com/" then return end
  local sent, problem = http.post(address, { json = { response_type = "ephemeral", replace_original = false, text = text }, timeout = 2 })
  if not sent then log.warn("the answer could not be sent: " .. problem) end
end

local function callback(self, request)
  local secret = self.settings.signing_secret
  if secret == "" or not signed(secret, request) then return { status = 401, body = "not signed by Slack" } end
  local form = request:form()
  local payload = form and type(form.payload) == "string" and json.decode(form.payload)
  local action = json.get(payload, "actions[0]")
  if type(action) ~= "table" then return { status = 400, body = "not an interaction" } end
  local value = action.action_id == "acknowledge" and json.decode(tostring(action.value))
  if type(value) == "table" and type(value.service) == "string" and type(value.incident) == "string" then
    local problem = acknowledge(request.monitor, payload, value)
    if problem then tell(payload, problem) end
  end
  return { status = 200 }
end

Slack.urls = { { path = "callback", methods = { "POST" }, public = true, view = callback } }

return Slack

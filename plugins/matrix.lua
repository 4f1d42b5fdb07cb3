-- Matrix: a message in a room for each event, over the client-server API with the
-- access token of a bot's account, which must be a member of the room. All messages of
-- one incident are one thread. Room encryption is not supported: invite the bot to a
-- room without it.
--
-- The transaction ID is the delivery's: of two attempts that both went through, the
-- homeserver keeps one message.
local forms, html, http, json, log, store = require "forms", require "html", require "http", require "json", require "log", require "store"
local url, utf8, recipients = require "url", require "utf8", require "recipients"

local MOST = 15 * 60 -- seconds that the homeserver may ask to wait
local MONTH = 30 * 86400
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local Matrix = {
  name = "Matrix", slug = "matrix", version = "1.0.0", author = "Moonwatch",
  summary = "Writes to a Matrix room and mentions those whom it concerns.",
  font_icon = "fa fa-comments", channel = "chat", needs = { "homeserver", "token", "room" }, homepage = "https://spec.matrix.org/latest/client-server-api/",
  settings_form = {
    forms.URLField{ "homeserver", required = false, env = "MATRIX_HOMESERVER", placeholder = "https://matrix.example.org",
      help_text = "Address of the bot's homeserver. Else MATRIX_HOMESERVER is taken." },
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "MATRIX_TOKEN", label = "Access token",
      help_text = "Access token of the bot's account. Else MATRIX_TOKEN is taken." },
    forms.RegexField{ "room", required = false, env = "MATRIX_ROOM", regex = "^[!#][^\\s]{1,254}$", placeholder = "!abc:example.org",
      help_text = "Room of services that name none: its ID (!…) or an alias (#…). Else MATRIX_ROOM is taken." },
  },
  service_config_form = {
    forms.RegexField{ "room", required = false, regex = "^[!#][^\\s]{1,254}$", placeholder = "#ops:example.org",
      help_text = "Room for this service, if not the one of the settings: its ID (!…) or an alias (#…)" },
  },
  user_config_form = {
    forms.RegexField{ "user_id", required = false, regex = "^@[^\\s:]{1,200}:[^\\s]{1,200}$", label = "User ID", placeholder = "@ada:example.org",
      help_text = "Your Matrix user ID" },
  },
}

-- What the errcode of the specification means for who set this up.
local ADVICE = {
  M_UNKNOWN_TOKEN = "the access token is wrong or was revoked", M_MISSING_TOKEN = "the access token is missing",
  M_FORBIDDEN = "the bot is no member of the room, or may not write there", M_NOT_FOUND = "there is no such room",
}

local MOST_BYTES = 40000 -- an event has 64 KiB, of which others write some, too
local BREAK = "\226\128\139" -- a zero-width space: what it parts is no mention, room or address any more

-- plain is text from elsewhere: programs make links of an address, @user:server,
-- #room:server and @room wherever they stand.
local function plain(text) return (text:gsub("://", ":" .. BREAK .. "//"):gsub("([@#!])([%w_])", "%1" .. BREAK .. "%2")) end

local function marked(text) return html.escape(plain(text)) end

local function link(address, text, most)
  address = url.link(address)
  return address ~= "" and '<a href="' .. html.escape(address) .. '">' .. utf8.line(text, most, nil, marked) .. "</a>" or utf8.line(text, most, nil, marked)
end

-- headline gives the same line as plain text and as HTML.
local function headline(service)
  local sort = service.kind == "instance" and "Instance " or "Service "
  local what
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  if kind == "acknowledged" then
    what = " was acknowledged" .. (ack and " by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 400) or "")
  elseif kind == "unacknowledged" then
    what = " is no longer acknowledged"
  else
    what = service.overall_status == "PASSING" and " is back to normal" or " reporting " .. service.overall_status .. " status"
  end
  local test = kind == "test" and "Test: " or ""
  return test .. sort .. utf8.line(service.name, 200, nil, plain) .. plain(what),
    test .. sort .. "<b>" .. link(service.incident_url, service.name, 200) .. "</b>" .. marked(what)
end

-- add_checks adds the checks that fit in both forms.
local function add_checks(service, text, page)
  local checks = service:all_failing_checks()
  if #checks == 0 then return end
  local lines, items, sizes = {}, {}, {}
  for i, check in ipairs(checks) do
    local severity, what = " (" .. check.severity .. ")", check.error ~= "" and ": " .. utf8.line(check.error, 300) or ""
    local runbook = url.link(check.runbook_link)
    lines[i] = "• " .. utf8.line(check.name, 200, nil, plain) .. severity .. plain(what) .. (runbook ~= "" and " " .. runbook or "")
    items[i] = "<li>" .. link(check.page_url, check.name, 200) .. severity .. marked(what)
      .. (runbook ~= "" and " " .. link(runbook, "Runbook", 20) or "") .. "</li>"
    sizes[i] = json.encode{ lines[i], items[i] }
  end
  local _, shown = utf8.fit(sizes, MOST_BYTES, { unit = "bytes" })
  page[#page + 1] = "<ul>"
  for i = 1, shown do text[#text + 1], page[#page + 1] = lines[i], items[i] end
  if shown < #checks then
    local more = "… and " .. #checks - shown .. " more"
    text[#text + 1], page[#page + 1] = more, "<li>" .. more .. "</li>"
  end
  page[#page + 1] = "</ul>"
end

local function content_of(service, whom)
  local line, marked_line = headline(service)
  local text, page, ids = { line }, { marked_line }, {}
  add_checks(service, text, page)
  local names, pills, room = {}, {}, 6000
  for _, user in ipairs(whom) do
    local id = user.matrix_settings.user_id
    if id ~= "" then
      local pill = '<a href="https://matrix.to/#/' .. url.escape(id) .. '">' .. html.escape(id) .. "</a>"
      room = room - #id - #pill
      if room < 0 then break end
      ids[#ids + 1], names[#names + 1], pills[#pills + 1] = id, id, pill
    end
  end
  if #ids > 0 then text[#text + 1], page[#page + 1] = table.concat(names, " "), "<p>" .. table.concat(pills, " ") .. "</p>" end
  local runbook = url.link(service.runbook_link)
  if runbook ~= "" then
    text[#text + 1], page[#page + 1] = "Runbook: " .. runbook, "<p>" .. link(runbook, "Runbook", 20) .. "</p>"
  end
  local address = url.link(service.incident_url)
  if address ~= "" then text[#text + 1] = address end
  return {
    msgtype = "m.text", body = table.concat(text, "\n"), format = "org.matrix.custom.html", formatted_body = table.concat(page),
    ["m.mentions"] = { user_ids = ids },
  }
end

-- call makes one request; it returns what was answered, or nil, why, retry.
local function call(settings, method, path, body)
  local response, problem = http.request{ method = method, url = settings.homeserver:gsub("/+$", "") .. "/_matrix/client/v3/" .. path,
    headers = { Authorization = "Bearer " .. settings.token }, json = body, timeout = PATIENCE, redirects = false }
  if not response then return nil, "The homeserver could not be reached: " .. problem end
  local answer = response:json()
  if type(answer) ~= "table" then answer = {} end
  if response.status == 200 then return answer end
  local what = ADVICE[answer.errcode] or answer.error or answer.errcode
  local wait = tonumber(response.headers["Retry-After"]) or (tonumber(answer.retry_after_ms) or 0) / 1000
  return nil, "The homeserver answered " .. response.status .. (what and ": " .. tostring(what) or ""),
    wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

local function room_of(settings, room)
  if room:sub(1, 1) == "!" then return room end
  local answer, why, retry = call(settings, "GET", "directory/room/" .. url.escape(room))
  if not answer then return nil, why:gsub("there is no such room", "there is no room " .. room), retry end
  if type(answer.room_id) ~= "string" then return nil, "The homeserver did not say which room " .. room .. " is" end
  return answer.room_id
end

function Matrix:send_alert(service, users, duty_officers)
  local settings = self.settings
  if settings.homeserver == "" or settings.token == "" then
    return false, "The homeserver and the access token must be set in the plugin's settings, or by MATRIX_HOMESERVER and MATRIX_TOKEN"
  end
  local named = service.matrix_settings.room ~= "" and service.matrix_settings.room or settings.room
  if named == "" then return false, "Neither this service nor the plugin's settings name a room" end
  local room, why, retry = room_of(settings, named)
  if not room then return false, why, retry end

  local content = content_of(service, recipients.chat(service, users, duty_officers))
  local key = "thread:" .. service.incident_key
  local thread = store.get(key)
  if thread and thread.room == room then
    content["m.relates_to"] = { rel_type = "m.thread", event_id = thread.event, is_falling_back = true, ["m.in_reply_to"] = { event_id = thread.event } }
  end
  local answer
  answer, why, retry = call(settings, "PUT", "rooms/" .. url.escape(room) .. "/send/m.room.message/" .. url.escape(service.delivery_id), content)
  if not answer then return false, why, retry end
  if not content["m.relates_to"] and type(answer.event_id) == "string" then
    local kept, problem = store.set(key, { room = room, event = answer.event_id }, MONTH)
    if not kept then log.warn("the thread could not be kept: " .. tostring(problem)) end
  end
  return true
end

Matrix.send_alert_update = Matrix.send_alert

return Matrix

-- E-mail: one message for each event, to everybody whom it concerns, with the
-- failing checks first. All messages of one incident are one thread.
local forms, html, log, smtp = require "forms", require "html", require "log", require "smtp"
local recipients, url, utf8 = require "recipients", require "url", require "utf8"

local Email = {
  name = "E-mail", slug = "email", version = "1.0.0", author = "Moonwatch",
  summary = "Writes to the users of a service, and to the duty officers when it is critical.",
  font_icon = "fa fa-envelope", channel = "email", needs = { "host", "from" },
  plugin_variables = { "EMAIL_USE_TLS", "EMAIL_USE_SSL" },
  settings_form = {
    forms.HostField{ "host", required = false, env = "EMAIL_HOST", help_text = "Mail server. Else EMAIL_HOST is taken." },
    forms.PortField{ "port", required = false, env = "EMAIL_PORT", help_text = "Its port (EMAIL_PORT); by default 587, or what the security asks for" },
    forms.ChoiceField{ "security", required = false, choices = { { "starttls", "STARTTLS" }, { "tls", "TLS" }, { "none", "None" } },
      help_text = "Left open: EMAIL_USE_SSL and EMAIL_USE_TLS, else TLS on port 465, none on port 25 and STARTTLS on all others" },
    forms.CharField{ "username", required = false, env = "EMAIL_HOST_USER", help_text = "User to log in as (EMAIL_HOST_USER); empty: no login" },
    forms.CharField{ "password", required = false, env = "EMAIL_HOST_PASSWORD", widget = forms.PasswordInput, help_text = "Else EMAIL_HOST_PASSWORD is taken." },
    forms.CharField{ "from", required = false, env = "CABOT_FROM_EMAIL", placeholder = "Moonwatch <alerts@example.org>",
      help_text = "Sender. Else CABOT_FROM_EMAIL is taken." },
  },
  user_config_form = {
    forms.EmailField{ "address", required = false, help_text = "Where to write to, if not to the address of the account" },
  },
}

local function is_set(name)
  local value = (os.getenv(name) or ""):lower()
  return value ~= "" and value ~= "0" and value ~= "false" and value ~= "no"
end

local function security_of(settings)
  if settings.security ~= "" then return settings.security end
  if is_set("EMAIL_USE_SSL") or settings.port == 465 then return "tls" end
  if is_set("EMAIL_USE_TLS") then return "starttls" end
  return settings.port == 25 and "none" or "starttls"
end

-- Names and errors are cut in lines; the size of a letter is nobody's limit, but that
-- of a subject is: a line of a header has 998 bytes.
local SUBJECT, NAME, ERROR, BODY = 200, 200, 1000, 200000

local function subject_of(service)
  local before
  if service.overall_status == "PASSING" then
    before = (service.kind == "instance" and "Instance" or "Service") .. " back to normal: "
  else
    before = service.overall_status .. " status for " .. service.kind .. ": "
  end
  if service.alert_kind == "test" then before = "Test: " .. before end
  return before .. utf8.line(service.name, SUBJECT - utf8.len(before))
end

local function link(address, text)
  address = url.link(address)
  return address ~= "" and '<a href="' .. html.escape(address) .. '">' .. text .. "</a>" or text
end

-- lines_of gives one line for each check, marked as plain text or HTML.
local function lines_of(checks, word)
  local text, rows = {}, {}
  for i, check in ipairs(checks) do
    local what = utf8.line(check.error ~= "" and check.error or check.message, ERROR)
    local severity, runbook = check.severity ~= "" and check.severity or check.importance, url.link(check.runbook_link)
    text[i] = ("  %s - %s - Type: %s - Importance: %s%s%s"):format(word, utf8.line(check.name, NAME), check.plugin, severity,
      what ~= "" and "\n    " .. what or "", runbook ~= "" and "\n    Runbook: " .. runbook or "")
    rows[i] = ("<li><b>%s</b> (%s, %s) %s%s</li>"):format(link(check.page_url, html.escape(utf8.line(check.name, NAME))), html.escape(check.plugin), severity, html.escape(what),
      runbook ~= "" and " – " .. link(runbook, "Runbook") or "")
  end
  local lines, shown = utf8.fit(text, BODY, { unit = "bytes" })
  local list = table.concat(rows, "\n", 1, shown)
  if shown < #rows then list = list .. "\n<li>… and " .. #rows - shown .. " more</li>" end
  return lines, list
end

local function message_of(service)
  local status = service:get_status_message(false, 1000)
  if service.alert_kind == "test" then status = "Test: " .. status end
  local text, page = { status }, { "<p>" .. html.escape(status) .. "</p>" }
  local function section(title, checks, word)
    if #checks == 0 then return end
    local lines, rows = lines_of(checks, word)
    text[#text + 1] = "\n" .. title .. ":\n" .. lines
    page[#page + 1] = "<p>" .. title .. ":</p><ul>" .. rows .. "</ul>"
  end
  section("Checks failing", service:all_failing_checks(), "FAILING")
  section("Checks passing", service:all_passing_checks(), "PASSING")
  local acknowledged = service:unexpired_acknowledgement()
  if acknowledged then
    local line = "Acknowledged by " .. acknowledged.user .. (acknowledged.comment ~= "" and ": " .. acknowledged.comment or "")
    text[#text + 1], page[#page + 1] = "\n" .. line, "<p>" .. html.escape(line) .. "</p>"
  end
  local incident = url.link(service.incident_url)
  if incident ~= "" and incident ~= service.page_url then
    text[#text + 1], page[#page + 1] = "\nThe incident: " .. incident, "<p>" .. link(incident, "The incident") .. "</p>"
  end
  local runbook = url.link(service.runbook_link)
  if runbook ~= "" then
    text[#text + 1], page[#page + 1] = "\nRunbook: " .. runbook, "<p>" .. link(runbook, "Runbook") .. "</p>"
  end
  return table.concat(text, "\n") .. "\n", table.concat(page, "\n")
end

-- addresses_of gives each address once, and who reads it.
local function addresses_of(users)
  local list, readers = {}, {}
  for _, user in ipairs(users) do
    local address = user.email_settings.address
    if address == "" then address = user.email end
    if address == "" then
      log.warn(user.username .. " has no e-mail address")
    elseif readers[address] then
      table.insert(readers[address], user)
    else
      list[#list + 1], readers[address] = address, { user }
    end
  end
  return list, readers
end

function Email:send_alert(service, users, duty_officers)
  local settings = self.settings
  if settings.host == "" or settings.from == "" then
    return false, "The mail server and the sender must be set in the plugin's settings, or by EMAIL_HOST and CABOT_FROM_EMAIL"
  end
  local to, readers = addresses_of(recipients.email(service, users, duty_officers))
  if #to == 0 then return "skipped", "nobody to write to has an address" end

  -- The thread hangs on a message that never was: mail programs do not mind,
  -- and the first message needs no memory of its own. All attempts of one event
  -- have one Message-ID, so that a second copy is dropped on the way.
  local domain = settings.from:match("@([%w.-]+)") or "moonwatch"
  local thread = "<" .. service.incident_key .. "@" .. domain .. ">"
  local text, page = message_of(service)
  local ok, refused = smtp.send{
    host = settings.host, port = settings.port, security = security_of(settings),
    username = settings.username, password = settings.password,
    from = settings.from, to = to, subject = subject_of(service), text = text, html = page,
    headers = {
      ["Message-ID"] = "<" .. service.delivery_id .. "." .. service.incident_key .. "@" .. domain .. ">",
      ["In-Reply-To"] = thread, References = thread, ["Auto-Submitted"] = "auto-generated",
    },
  }
  if not ok then return false, "Mail could not be sent: " .. refused end

  for _, address in ipairs(refused) do readers[address] = nil end
  for _, users_there in pairs(readers) do
    for _, user in ipairs(users_there) do service:mark_sent(user) end
  end
  if #refused > 0 then return false, "The mail server refused " .. table.concat(refused, ", ") end
  return true
end

return Email

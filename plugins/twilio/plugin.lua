-- Twilio: calls the duty officers at CRITICAL, and writes SMS to users and officers.
-- Both share one account and the phone numbers in the users' profiles.
--
-- A call speaks a text that Twilio fetches from this monitor (the views below), and
-- pressing 1 acknowledges. Twilio must reach the site's public address for that; where
-- none is set, the call carries its text with it and no key can be pressed.
-- Each request of Twilio bears a signature, and without it the views answer 403.
local forms, crypto, url, utf8, xml = require "forms", require "crypto", require "url", require "utf8", require "xml"
local recipients, api = require "recipients", require "api"

local Call = {
  name = "Twilio call", slug = "twilio_call", version = "1.0.0", author = "Moonwatch",
  summary = "Calls the duty officers at CRITICAL; a key press acknowledges.",
  font_icon = "fa fa-phone", channel = "phone", needs = { "sid", "token", "number" }, homepage = "https://www.twilio.com/docs/voice",
  settings_form = {
    forms.CharField{ "sid", required = false, env = "TWILIO_ACCOUNT_SID", label = "Account SID", placeholder = "AC…",
      help_text = "Of the Twilio console. Else TWILIO_ACCOUNT_SID is taken." },
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, env = "TWILIO_AUTH_TOKEN", label = "Auth token",
      help_text = "The account's primary auth token, which also signs what Twilio asks this site. Else TWILIO_AUTH_TOKEN is taken." },
    forms.RegexField{ "number", required = false, env = "TWILIO_OUTGOING_NUMBER", regex = "^\\+[1-9][0-9]{6,14}$", placeholder = "+15017122661",
      help_text = "Number of the account to call and write from. Else TWILIO_OUTGOING_NUMBER is taken.",
      error_messages = { invalid = "Enter a number with its country code, such as +15017122661." } },
  },
  user_config_form = {
    forms.RegexField{ "phone_number", required = false, regex = "^\\+[1-9][0-9]{6,14}$", placeholder = "+442071838750",
      help_text = "Your number with its country code, for calls and SMS", error_messages = { invalid = "Enter a number with its country code, such as +442071838750." } },
  },
}

local SMS = {
  name = "Twilio SMS", slug = "twilio_sms", version = "1.0.0", author = "Moonwatch", settings_from = "twilio_call",
  summary = "Writes SMS to the users of a service and the duty officers.",
  font_icon = "fa fa-mobile", channel = "sms", needs = { "sid", "token", "number" }, homepage = "https://www.twilio.com/docs/messaging",
}

local MOST_TEXT = 480 -- UTF-16 units, some three to eight parts; Twilio takes 1,600

local function say(text) return '<Say loop="2">' .. xml.escape(text) .. "</Say>" end

local function twiml(inside)
  return '<?xml version="1.0" encoding="UTF-8"?>\n<Response>' .. inside .. "</Response>"
end

-- spoken is what a call says of a service, without addresses.
local function spoken(service)
  local text = "This is Moonwatch. "
  if service.alert_kind == "test" then text = text .. "This is a test. " end
  local named = (service.kind == "instance" and "Instance " or "Service ") .. utf8.line(service.name, 100)
  if service.overall_status == "PASSING" then return text .. named .. " is back to normal." end
  text = text .. named .. " is " .. service.overall_status:lower() .. "."
  local checks = service:all_failing_checks()
  for i = 1, math.min(#checks, 3) do
    text = text .. (i == 1 and " Failing: " or ", ") .. utf8.line(checks[i].name, 60)
  end
  if #checks > 3 then text = text .. " and " .. #checks - 3 .. " more" end
  return text .. (#checks > 0 and "." or "")
end

function Call:send_alert(service, users, duty_officers)
  local settings = self.settings
  local problem = api.problem_of(settings)
  if problem then return false, problem end
  local officers = recipients.phone(service, users, duty_officers)
  if #officers == 0 then return "skipped", "calls go to the duty officers, and at CRITICAL only" end
  return api.each(service, officers, function(number, user)
    local form = { To = number, From = settings.number, Timeout = 30 }
    -- No test has an incident to acknowledge: its text comes with the call.
    local address = service.alert_kind ~= "test"
      and self:view_url("answered", { service = service.id, incident = service.incident_key, user = user.username })
    if address then
      form.Url, form.Method = address, "POST"
    else
      form.Twiml = twiml(say(spoken(service)))
    end
    return api.post(settings, "Calls", form)
  end)
end

function SMS:send_alert(service, users, duty_officers)
  local settings = self.settings
  local problem = api.problem_of(settings)
  if problem then return false, problem end
  local to = recipients.sms(service, users, duty_officers)
  if #to == 0 then return "skipped", "an event of this kind is not sent by SMS" end
  local test = service.alert_kind == "test" and "Test: " or ""
  local text = test .. service:get_status_message(true, MOST_TEXT - #test, "utf16")
  return api.each(service, to, function(number)
    return api.post(settings, "Messages", { To = number, From = settings.number, Body = text })
  end)
end

-- is_signed checks X-Twilio-Signature: the HMAC-SHA1, under the account's token, of
-- the address that Twilio was given and of all fields of the form, in order of name.
-- The address is the one that this site gave, whatever a proxy made of it on the way.
local function is_signed(self, request, path, form)
  local token, given = self.settings.token, request.headers["X-Twilio-Signature"]
  local address = self:view_url(path)
  if token == "" or not given or not address then return false end
  local names, parts = {}, {}
  local query = url.parse(request.url).query
  if query ~= "" then parts[1] = "?" .. query end
  for name in pairs(form) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = form[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do parts[#parts + 1] = name .. value end
  end
  local text = table.concat(parts)
  local bare = address:gsub("^(https?://[^/]*):%d+", "%1") -- Twilio does not always sign the port
  return crypto.equal(given, crypto.hmac("sha1", token, address .. text, "base64"))
    or crypto.equal(given, crypto.hmac("sha1", token, bare .. text, "base64"))
end

local function answer(inside)
  return { headers = { ["Content-Type"] = "text/xml; charset=utf-8" }, body = twiml(inside) }
end

-- answered is what Twilio fetches when somebody picks up.
local function answered(self, request)
  local form = request:form() or {}
  if not is_signed(self, request, "answered", form) then return { status = 403, body = "The signature is wrong." } end
  local service = request.monitor:service(request.query.service or "")
  if not service then return answer(say("This is Moonwatch. The service that this call is about is gone.")) end
  local pressed = self:view_url("pressed", { service = request.query.service, incident = request.query.incident or "", user = request.query.user or "" })
  return answer('<Gather numDigits="1" timeout="10" method="POST" action="' .. xml.escape(pressed) .. '">'
    .. say(spoken(service) .. " Press 1 to acknowledge.") .. "</Gather><Say>No key was pressed. Goodbye.</Say>")
end

-- What the caller hears when it cannot be acknowledged.
local REFUSED = {
  not_failing = "It is back to normal already.", other_incident = "That incident is over. There is a newer one.",
  not_found = "The service is gone.", unknown_user = "Your user account is unknown.", denied = "You may not acknowledge it.",
}

-- pressed is what Twilio fetches after a key was pressed.
local function pressed(self, request)
  local form = request:form() or {}
  if not is_signed(self, request, "pressed", form) then return { status = 403, body = "The signature is wrong." } end
  if form.Digits ~= "1" then return answer("<Say>It is not acknowledged. Goodbye.</Say>") end
  local query = request.query
  local done, _, kind = request.monitor:acknowledge(query.service or "", query.user or "", "Acknowledged by phone",
    { incident_key = query.incident ~= "" and query.incident or nil })
  if done then return answer("<Say>It is acknowledged. Goodbye.</Say>") end
  return answer("<Say>" .. xml.escape(REFUSED[kind] or "It could not be acknowledged.") .. " Goodbye.</Say>")
end

Call.urls = {
  { path = "answered", methods = { "POST" }, public = true, view = answered },
  { path = "pressed", methods = { "POST" }, public = true, view = pressed },
}

return { Call, SMS }

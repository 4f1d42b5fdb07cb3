-- Opsgenie: an incident here is an alert there, whose alias is the incident key: it is
-- created when the service fails, follows its severity by its priority, gets notes,
-- is acknowledged and closed. When it gets worse, it is unacknowledged there before its
-- priority rises, so that Opsgenie pages again. Opsgenie takes doubles of an alias for one alert.
-- A test creates an alert of priority P5 and closes it at once.
local forms, http, json, url, utf8 = require "forms", require "http", require "json", require "url", require "utf8"

local MOST = 15 * 60 -- seconds that Opsgenie may ask to wait
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local Opsgenie = {
  name = "Opsgenie", slug = "opsgenie", version = "1.0.0", author = "Moonwatch",
  summary = "Creates, acknowledges and closes alerts in Opsgenie.",
  font_icon = "fa fa-bullhorn", channel = "other", needs = { "api_key" }, homepage = "https://docs.opsgenie.com/docs/alert-api",
  settings_form = {
    forms.ChoiceField{ "region", initial = "us", choices = { { "us", "United States" }, { "eu", "Europe" } }, help_text = "Where your Opsgenie account lives" },
    forms.CharField{ "api_key", required = false, widget = forms.PasswordInput, env = "OPSGENIE_API_KEY", label = "API key",
      help_text = "Key of an API integration, for services that have none of their own. Else OPSGENIE_API_KEY is taken." },
  },
  service_config_form = {
    forms.CharField{ "api_key", required = false, widget = forms.PasswordInput, label = "API key", help_text = "Key of a team's API integration, if not the one of the settings" },
    forms.CharField{ "team", required = false, max_length = 100, help_text = "Team that responds, if not the integration's own" },
    forms.CharField{ "tags", required = false, max_length = 200, placeholder = "shop, eu", help_text = "Tags, separated by commas" },
  },
}

-- What Opsgenie takes, in characters.
local UNIT, MESSAGE, DESCRIPTION, ENTITY, NOTE = "utf16", 130, 15000, 512, 25000

local HOSTS = { us = "https://api.opsgenie.com", eu = "https://api.eu.opsgenie.com" }
local PRIORITY = { CRITICAL = "P1", ERROR = "P2", WARNING = "P3" }

local function priority_of(service)
  return service.alert_kind ~= "test" and PRIORITY[service.overall_status] or "P5"
end

-- headline is at most so many characters: the service's name gives way.
local function headline(service, most)
  local before = (service.alert_kind == "test" and "Test: " or "") .. (service.kind == "instance" and "Instance " or "Service ")
  local after = service.overall_status == "PASSING" and " is back to normal" or " reporting " .. service.overall_status .. " status"
  return before .. utf8.line(service.name, most - utf8.len(before .. after, UNIT), UNIT) .. after
end

local function description_of(service)
  local head, lines = service:get_status_message(false, 1000, UNIT) .. "\n", {}
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = "- " .. utf8.line(check.name, 200, UNIT) .. " (" .. check.severity .. ")" .. (check.error ~= "" and ": " .. utf8.line(check.error, 500, UNIT) or "")
    local runbook = url.link(check.runbook_link)
    if runbook ~= "" then lines[i] = lines[i] .. " Runbook: " .. runbook end
  end
  local runbook = url.link(service.runbook_link)
  local tail = runbook ~= "" and "\nRunbook: " .. runbook or ""
  local text = utf8.fit(lines, DESCRIPTION - utf8.len(head .. tail, UNIT), { unit = UNIT })
  return (text == "" and head:sub(1, -2) or head .. text) .. tail
end

local function alert_of(service, own)
  local tags = {}
  for tag in own.tags:gmatch("[^,]+") do
    tag = tag:gsub("^%s+", ""):gsub("%s+$", "")
    if tag ~= "" and #tags < 20 then tags[#tags + 1] = utf8.line(tag, 50, UNIT) end
  end
  return {
    message = headline(service, MESSAGE), alias = service.incident_key, description = description_of(service),
    priority = priority_of(service), entity = utf8.line(service.name, ENTITY, UNIT), source = "Moonwatch", tags = tags,
    responders = own.team ~= "" and { { name = own.team, type = "team" } } or nil,
    details = json.object{ incident = service.incident_key, kind = service.kind, page_url = url.link(service.page_url), incident_url = url.link(service.incident_url), runbook = url.link(service.runbook_link) },
  }
end

-- call makes one request; it returns true, or false, why, { retry_after }.
local function call(access, method, path, body)
  local response, problem = http.request{ method = method, url = access.host .. "/v2/alerts" .. path, json = body, timeout = PATIENCE,
    redirects = false, headers = { Authorization = "GenieKey " .. access.key } }
  if not response then return false, "Opsgenie could not be reached: " .. problem end
  if response.status == 202 or response.status == 200 then return true end -- 202: it is queued there
  local answer = response:json()
  local what = type(answer) == "table" and answer.message or nil
  local why = "Opsgenie answered " .. response.status .. (what and ": " .. tostring(what) or "")
  if response.status == 422 then return false, why, { retry = false } end -- the request itself is invalid, and stays so
  local wait = tonumber(response.headers["Retry-After"]) or response.status == 429 and tonumber(response.headers["X-RateLimit-Period-In-Sec"])
  return false, why, wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

-- on acts on the alert of this incident.
local function on(access, service, method, action, body)
  body.source = "Moonwatch"
  return call(access, method, "/" .. url.escape(service.incident_key) .. "/" .. action .. "?identifierType=alias", body)
end

function Opsgenie:send_alert(service)
  local own, kind = service.opsgenie_settings, service.alert_kind
  local access = { host = HOSTS[self.settings.region] or HOSTS.us, key = own.api_key ~= "" and own.api_key or self.settings.api_key }
  if access.key == "" then return false, "Neither this service nor the plugin's settings have an API key" end
  if kind == "recovery" then return on(access, service, "POST", "close", { note = headline(service, 1000) }) end
  if kind == "acknowledged" then
    local ack = service:unexpired_acknowledgement()
    return on(access, service, "POST", "acknowledge", { user = ack and utf8.line(ack.user, 100, UNIT), note = ack and ack.comment ~= "" and utf8.line(ack.comment, NOTE, UNIT) or nil })
  elseif kind == "unacknowledged" then
    return on(access, service, "POST", "unacknowledge", { note = "No longer acknowledged" })
  elseif kind == "update" then
    return on(access, service, "POST", "notes", { note = description_of(service) })
  end
  local sent, why, options = call(access, "POST", "", alert_of(service, own))
  if sent and kind == "test" then return on(access, service, "POST", "close", { note = "This was a test" }) end
  if sent and kind == "escalation" then
    -- Whoever acknowledged it there did so when it was less bad; while it is
    -- acknowledged, Opsgenie pages nobody. One that is not stays as it is.
    sent, why, options = on(access, service, "POST", "unacknowledge", { note = "It got worse" })
  end
  if sent and (kind == "escalation" or kind == "deescalation") then
    -- A second "create" counts the alert up and leaves its priority as it was.
    return on(access, service, "PUT", "priority", { priority = priority_of(service) })
  end
  return sent, why, options
end

Opsgenie.send_alert_update = Opsgenie.send_alert

return Opsgenie

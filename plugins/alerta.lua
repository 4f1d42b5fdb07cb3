-- Alerta: a service here is a resource there, and its state one alert of that resource,
-- which Alerta knows by environment, resource and event. Its severity follows the
-- status; "normal" on recovery closes it; acknowledgements go along. What an incident
-- began with is kept under its incident key, so that recovery closes that very alert
-- even if the service was renamed or moved to another environment meanwhile.
-- A test is an alert of its own, informational, which Alerta lets expire within a minute.
local forms, html, http, log, store = require "forms", require "html", require "http", require "log", require "store"
local time, url, utf8 = require "time", require "url", require "utf8"

local MOST = 15 * 60 -- seconds that Alerta may ask to wait
local MONTH = 30 * 86400
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local Alerta = {
  name = "Alerta", slug = "alerta", version = "1.0.0", author = "Moonwatch",
  summary = "Opens, acknowledges and closes alerts in Alerta.",
  font_icon = "fa fa-bullhorn", channel = "other", needs = { "endpoint" }, homepage = "https://docs.alerta.io/api/reference.html",
  settings_form = {
    forms.URLField{ "endpoint", required = false, env = "ALERTA_ENDPOINT", placeholder = "https://alerta.example.org/api", help_text = "Address of Alerta's API. Else ALERTA_ENDPOINT is taken." },
    forms.CharField{ "api_key", required = false, widget = forms.PasswordInput, env = "ALERTA_API_KEY", label = "API key",
      help_text = "Key with the scope write, if the server wants one. Else ALERTA_API_KEY is taken." },
    forms.CharField{ "environment", required = false, initial = "Production", max_length = 100, help_text = "Environment of services that name none" },
  },
  service_config_form = {
    forms.CharField{ "environment", required = false, max_length = 100, placeholder = "Development", help_text = "Environment of this service; a server may refuse those it does not know" },
    forms.CharField{ "group", required = false, max_length = 100, help_text = "Group of alerts that this one belongs to" },
  },
}

local SEVERITY = { CRITICAL = "critical", ERROR = "major", WARNING = "warning", PASSING = "normal" }

local UNIT, MOST_TEXT = "utf16", 4000

-- Alerta's pages take what stands in texts for HTML.
local function plain(text) return (text:gsub("<([%a/!?])", "‹%1")) end

local function text_of(service)
  local head, lines = plain(service:get_status_message(false, 600, UNIT)), {}
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = utf8.line(check.name, 200, UNIT, plain) .. (check.error ~= "" and ": " .. utf8.line(check.error, 500, UNIT, plain) or "")
  end
  local text = utf8.fit(lines, MOST_TEXT - utf8.len(head, UNIT) - 1, { unit = UNIT })
  return text == "" and head or head .. "\n" .. text
end

local function alert_of(service, place)
  local test = service.alert_kind == "test"
  local attributes = { incident = service.incident_key }
  local page, runbook = url.link(service.incident_url), url.link(service.runbook_link)
  if page ~= "" then attributes.moreInfo = '<a href="' .. html.escape(page) .. '">Moonwatch</a>' end
  if runbook ~= "" then attributes.runbook = runbook end
  return {
    resource = place.resource, environment = place.environment,
    event = test and "Test" or (service.kind == "instance" and "InstanceStatus" or "ServiceStatus"),
    severity = test and "informational" or SEVERITY[service.overall_status], timeout = test and 60 or nil,
    service = { service.name }, group = place.group, value = service.overall_status, text = text_of(service),
    attributes = attributes, origin = "Moonwatch", type = "moonwatchAlert", createTime = time.format(service.event_at, "%Y-%m-%dT%H:%M:%S.000Z"),
  }
end

-- call makes one request; it returns the answer, or nil, why, { retry_after }, status.
local function call(settings, method, path, body)
  local response, problem = http.request{ method = method, url = settings.endpoint:gsub("/+$", "") .. path, json = body, timeout = PATIENCE, redirects = false,
    headers = settings.api_key ~= "" and { Authorization = "Key " .. settings.api_key } or nil }
  if not response then return nil, "Alerta could not be reached: " .. problem end
  local answer = response:json()
  if type(answer) ~= "table" then answer = {} end
  -- 202: taken, and left aside because of a blackout there.
  if response.status >= 200 and response.status <= 202 and answer.status == "ok" then return answer end
  local why = "Alerta answered " .. response.status .. (answer.message and ": " .. tostring(answer.message) or "")
  local wait = tonumber(response.headers["Retry-After"])
  return nil, why, wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil, response.status
end

-- place_of is where this incident's alert is, in Alerta's terms.
local function place_of(service, settings)
  local own = service.alerta_settings
  local place = store.get("alert:" .. service.incident_key)
  if place then return place end
  local environment = own.environment ~= "" and own.environment or settings.environment
  return { resource = service.name, environment = environment ~= "" and environment or "Production", group = own.group ~= "" and own.group or nil }
end

-- report sends the state of the service and returns the alert's ID, or nil, why, options.
local function report(service, settings, place)
  local answer, why, options = call(settings, "POST", "/alert", alert_of(service, place))
  if not answer then return nil, why, options end
  local id = type(answer.id) == "string" and answer.id or ""
  if service.alert_kind == "recovery" then
    store.delete("alert:" .. service.incident_key)
  elseif service.alert_kind ~= "test" and place.id ~= id then
    place.id = id
    local kept, problem = store.set("alert:" .. service.incident_key, place, MONTH)
    if not kept then log.warn("the alert's place could not be kept: " .. tostring(problem)) end
  end
  return id
end

local function act(service, settings, place, action)
  local why, options, status
  local id = place.id
  if not id then
    id, why, options = report(service, settings, place)
    if not id then return false, why, options end
  end
  if id == "" then return "skipped", "Alerta gave the alert no ID: a blackout covers it" end
  local ack = service:unexpired_acknowledgement()
  local body = { action = action, text = ack and "by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 1000, UNIT) or "from Moonwatch" }
  if ack and ack.expires_at then body.timeout = math.max(1, math.floor(ack.expires_at - time.now())) end
  local answer
  answer, why, options, status = call(settings, "PUT", "/alert/" .. url.escape(id) .. "/action", body)
  if answer then return true end
  -- Somebody was quicker in Alerta: it is acknowledged there, or gone.
  if status == 409 or status == 404 then return "skipped", why end
  return false, why, options
end

function Alerta:send_alert(service)
  local settings = self.settings
  if settings.endpoint == "" then return false, "The endpoint must be set in the plugin's settings, or by ALERTA_ENDPOINT" end
  local place, kind = place_of(service, settings), service.alert_kind
  if kind == "acknowledged" then return act(service, settings, place, "ack") end
  if kind == "unacknowledged" then return act(service, settings, place, "unack") end
  local id, why, options = report(service, settings, place)
  if not id then return false, why, options end
  return true
end

Alerta.send_alert_update = Alerta.send_alert

return Alerta

-- PagerDuty: Events API v2. An incident here is an alert there, known by its incident
-- key: firing, escalation, repeat and update trigger it, an acknowledgement
-- acknowledges it, and recovery resolves it. PagerDuty itself then decides whom to page.
-- A test triggers an alert of severity info and resolves it at once.
local forms, http, json, time, utf8 = require "forms", require "http", require "json", require "time", require "utf8"

local MOST = 15 * 60 -- seconds that PagerDuty may ask to wait
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local PagerDuty = {
  name = "PagerDuty", slug = "pagerduty", version = "1.0.0", author = "Moonwatch",
  summary = "Triggers, acknowledges and resolves alerts in PagerDuty.",
  font_icon = "fa fa-bullhorn", channel = "other", homepage = "https://developer.pagerduty.com/docs/events-api-v2/overview/",
  settings_form = {
    forms.ChoiceField{ "region", initial = "us", choices = { { "us", "United States" }, { "eu", "Europe" } }, help_text = "Where your PagerDuty account lives" },
    forms.CharField{ "routing_key", required = false, widget = forms.PasswordInput, env = "PAGERDUTY_ROUTING_KEY", min_length = 32, max_length = 32,
      help_text = "Integration key of services that have none of their own. Else PAGERDUTY_ROUTING_KEY is taken." },
  },
  service_config_form = {
    forms.CharField{ "routing_key", required = false, widget = forms.PasswordInput, min_length = 32, max_length = 32,
      help_text = "Integration key, 32 characters, of an Events API v2 integration of the PagerDuty service" },
  },
}

local HOSTS = { us = "https://events.pagerduty.com", eu = "https://events.eu.pagerduty.com" }
local SEVERITY = { CRITICAL = "critical", ERROR = "error", WARNING = "warning" }

local function details_of(service)
  local checks = {}
  for i, check in ipairs(service:all_failing_checks()) do
    if i > 50 then break end
    checks[check.name] = check.severity .. (check.error ~= "" and ": " .. utf8.sub(check.error, 1, 300) or "")
  end
  return { incident = service.incident_key, kind = service.alert_kind, status = service.overall_status, failing = json.object(checks) }
end

local function links_of(service)
  local links = {}
  if service.runbook_link ~= "" then links[1] = { href = service.runbook_link, text = "Runbook" } end
  for _, check in ipairs(service:all_failing_checks()) do
    if check.page_url ~= "" and #links < 10 then links[#links + 1] = { href = check.page_url, text = check.name } end
  end
  return links
end

local function trigger_of(service)
  local summary = service:get_status_message()
  if service.alert_kind == "test" then summary = "Test: " .. summary end
  local event = {
    client = "Moonwatch", links = links_of(service),
    payload = {
      summary = utf8.sub(summary, 1, 1024), source = service.name, timestamp = time.format(service.event_at),
      severity = service.alert_kind ~= "test" and SEVERITY[service.overall_status] or "info",
      class = service.kind, custom_details = details_of(service),
    },
  }
  if service.page_url ~= "" then event.client_url = service.page_url end
  return event
end

-- enqueue sends one event; it returns what send_alert returns.
local function enqueue(region, key, service, action, event)
  event.routing_key, event.event_action, event.dedup_key = key, action, service.incident_key
  local response, problem = http.post(HOSTS[region] .. "/v2/enqueue", { json = event, timeout = PATIENCE, redirects = false })
  if not response then return false, "PagerDuty could not be reached: " .. problem end
  if response.status == 202 then return true end
  local answer = response:json()
  if type(answer) ~= "table" then answer = {} end
  local problems = {}
  for i, problem in ipairs(type(answer.errors) == "table" and answer.errors or {}) do problems[i] = tostring(problem) end
  local what = table.concat(problems, ", ")
  if what == "" then what = tostring(answer.message or "") end
  local why = "PagerDuty answered " .. response.status .. (what ~= "" and ": " .. what or "")
  if response.status == 400 then return false, why, { retry = false } end -- the event or its key is invalid, and stays so
  local wait = tonumber(response.headers["Retry-After"])
  return false, why, wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

function PagerDuty:send_alert(service)
  local region = HOSTS[self.settings.region] and self.settings.region or "us"
  local key = service.pagerduty_settings.routing_key
  if key == "" then key = self.settings.routing_key end
  if key == "" then return false, "Neither this service nor the plugin's settings have a routing key" end
  local kind = service.alert_kind
  if kind == "recovery" then return enqueue(region, key, service, "resolve", {}) end
  if kind == "acknowledged" then return enqueue(region, key, service, "acknowledge", {}) end
  if kind == "unacknowledged" then return "skipped", "PagerDuty's events cannot take an acknowledgement back" end
  local sent, why, options = enqueue(region, key, service, "trigger", trigger_of(service))
  if sent and kind == "test" then return enqueue(region, key, service, "resolve", {}) end
  return sent, why, options
end

PagerDuty.send_alert_update = PagerDuty.send_alert

return PagerDuty

-- PagerDuty: Events API v2. An incident here is an alert there, known by its incident
-- key: firing, escalation, repeat and update trigger it, an acknowledgement
-- acknowledges it, and recovery resolves it. PagerDuty itself then decides whom to page.
-- Its events cannot take an acknowledgement back: an incident that was acknowledged
-- there stays acknowledged when it gets worse here, and PagerDuty pages nobody anew.
-- A test triggers an alert of severity info and resolves it at once.
local forms, http, json, log, time = require "forms", require "http", require "json", require "log", require "time"
local url, utf8 = require "url", require "utf8"

local MOST = 15 * 60 -- seconds that PagerDuty may ask to wait
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local PagerDuty = {
  name = "PagerDuty", slug = "pagerduty", version = "1.0.0", author = "Moonwatch",
  summary = "Triggers, acknowledges and resolves alerts in PagerDuty; cannot take an acknowledgement back there.",
  font_icon = "fa fa-bullhorn", channel = "other", needs = { "routing_key" }, homepage = "https://developer.pagerduty.com/docs/events-api-v2/overview/",
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

-- PagerDuty cuts a summary at 1,024 characters and refuses an event of more than 512 KB.
local UNIT, SUMMARY, DETAILS = "utf16", 1024, 40000

-- details_of gives the failing checks by name, as many as have room.
local function details_of(service)
  local names, texts, sizes, taken = {}, {}, {}, {}
  for i, check in ipairs(service:all_failing_checks()) do
    local name = utf8.line(check.name, 200)
    taken[name] = (taken[name] or 0) + 1
    names[i] = taken[name] > 1 and name .. " (" .. taken[name] .. ")" or name
    texts[i] = check.severity .. (check.error ~= "" and ": " .. utf8.line(check.error, 300) or "")
    sizes[i] = json.encode{ names[i], texts[i] }
  end
  local _, shown = utf8.fit(sizes, DETAILS, { unit = "bytes" })
  local checks = {}
  for i = 1, shown do checks[names[i]] = texts[i] end
  return { incident = service.incident_key, kind = service.alert_kind, status = service.overall_status, failing = json.object(checks),
    more = shown < #names and "… and " .. #names - shown .. " more" or nil }
end

local function links_of(service)
  local links, runbook = {}, url.link(service.runbook_link)
  if runbook ~= "" then links[1] = { href = runbook, text = "Runbook" } end
  for _, check in ipairs(service:all_failing_checks()) do
    local page = url.link(check.page_url)
    if page ~= "" and #links < 10 then links[#links + 1] = { href = page, text = utf8.line(check.name, 200) } end
  end
  return links
end

local function trigger_of(service)
  local test = service.alert_kind == "test" and "Test: " or ""
  local event = {
    client = "Moonwatch", links = links_of(service),
    payload = {
      summary = test .. service:get_status_message(true, SUMMARY - #test, UNIT), source = utf8.line(service.name, 255, UNIT), timestamp = time.format(service.event_at),
      severity = service.alert_kind ~= "test" and SEVERITY[service.overall_status] or "info",
      class = service.kind, custom_details = details_of(service),
    },
  }
  local page = url.link(service.incident_url)
  if page ~= "" then event.client_url = page end
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
  if kind == "unacknowledged" then return "skipped", "PagerDuty's events cannot take an acknowledgement back: it stays acknowledged there" end
  if kind == "escalation" then
    log.info("if this was acknowledged in PagerDuty, it stays so, and nobody is paged anew: PagerDuty's events cannot take an acknowledgement back")
  end
  local sent, why, options = enqueue(region, key, service, "trigger", trigger_of(service))
  if sent and kind == "test" then return enqueue(region, key, service, "resolve", {}) end
  return sent, why, options
end

PagerDuty.send_alert_update = PagerDuty.send_alert

return PagerDuty

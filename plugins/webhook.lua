-- Webhook: posts every event of a service as JSON to a URL of that service.
--
-- The body, schema version 1 (instants are RFC 3339 in UTC, text is never null):
--   { "version": 1, "kind": "firing", "incident_key": …, "delivery_id": …, "alert_number": 1,
--     "event_at": …, "incident_opened_at": …, "message": "Service X reporting …",
--     "subject": { "kind": "service", "id", "name", "url", "address", "page_url", "incident_url", "runbook_link",
--                  "overall_status", "old_overall_status", "worst_status" },
--     "failing_checks": [ { "id", "name", "plugin", "importance", "severity", "unknown", "error",
--                           "message", "since", "page_url", "runbook_link" } ],
--     "passing_checks": [ the same ],
--     "acknowledgement": null or { "user", "comment", "at", "expires_at" (or null) },
--     "users": [ { "username", "first_name", "last_name", "email" } ], "duty_officers": [ the same ] }
-- kind is one of firing, escalation, deescalation, update, repeat, recovery,
-- acknowledged, unacknowledged and test. New fields may come; none will go.
--
-- The headers:
--   X-Moonwatch-Delivery   the same for all attempts of one event: drop what you have seen
--   X-Moonwatch-Timestamp  seconds since the epoch, when this attempt was made
--   X-Moonwatch-Signature  sha256=HEX, the HMAC-SHA256 of TIMESTAMP.BODY under the secret, if there is one;
--                          compare in constant time, and refuse timestamps older than five minutes
--
-- 2xx means taken. Everything else is tried again: a receiver that answers 404
-- while it is deployed must not lose a page. Redirects are not followed, since
-- they would turn the POST into a GET. Retry-After is honoured on 429 and 503, up to MOST.
local forms, http, json, time = require "forms", require "http", require "json", require "time"

local MOST = 15 * 60 -- seconds: a pager does not wait longer, whatever it is told
local PATIENCE = 20 -- seconds for an answer: trying again soon is better than to hang

local Webhook = {
  name = "Webhook", slug = "webhook", version = "1.0.0", author = "Moonwatch",
  summary = "Posts each event as signed JSON to a URL of the service.",
  font_icon = "fa fa-code", needs = { "url" },
  service_config_form = {
    forms.URLField{ "url", label = "URL", widget = forms.PasswordInput, help_text = "Where to post the events of this service" },
    forms.KeyValueField{ "headers", required = false, widget = forms.PasswordInput, placeholder = "Authorization: Bearer …",
      help_text = "Headers to send besides, one a line" },
    forms.CharField{ "secret", required = false, widget = forms.PasswordInput, min_length = 8,
      help_text = "Key that signs each request, so that the receiver knows it came from here" },
  },
}

local function instant(t) return t and time.format(t) or json.null end

local function checks_of(records)
  local out = {}
  for i, c in ipairs(records) do
    out[i] = {
      id = c.id, name = c.name, plugin = c.plugin, importance = c.importance, severity = c.severity, unknown = c.unknown,
      error = c.error, message = c.message, since = instant(c.since), page_url = c.page_url, runbook_link = c.runbook_link,
    }
  end
  return out
end

local function people(users)
  local out = {}
  for i, u in ipairs(users) do
    out[i] = { username = u.username, first_name = u.first_name, last_name = u.last_name, email = u.email }
  end
  return out
end

local function acknowledgement(service)
  local a = service:unexpired_acknowledgement()
  return a and { user = a.user, comment = a.comment, at = instant(a.at), expires_at = instant(a.expires_at) } or json.null
end

local function document(service, users, duty_officers)
  local message = service:get_status_message()
  if service.alert_kind == "test" then message = "Test: " .. message end
  return json.encode{
    version = 1, kind = service.alert_kind, message = message,
    incident_key = service.incident_key, delivery_id = service.delivery_id, alert_number = service.alert_number,
    event_at = instant(service.event_at), incident_opened_at = instant(service.incident_opened_at),
    subject = {
      kind = service.kind, id = service.id, name = service.name, url = service.url, address = service.address,
      page_url = service.page_url, incident_url = service.incident_url, runbook_link = service.runbook_link, overall_status = service.overall_status,
      old_overall_status = service.old_overall_status, worst_status = service.worst_status,
    },
    failing_checks = checks_of(service:all_failing_checks()), passing_checks = checks_of(service:all_passing_checks()),
    acknowledgement = acknowledgement(service),
    users = people(users), duty_officers = people(duty_officers),
  }
end

-- wait_of reads Retry-After, which holds seconds or a date.
local function wait_of(response)
  local value = response.headers["Retry-After"]
  if not value or response.status ~= 429 and response.status ~= 503 then return nil end
  local seconds = tonumber(value)
  if not seconds then
    local at = time.parse(value, "http")
    seconds = at and at - time.now()
  end
  if seconds and seconds > 0 then return { retry_after = math.min(seconds, MOST) } end
end

function Webhook:send_alert(service, users, duty_officers)
  local settings = service.webhook_settings
  if settings.url == "" then return false, "This service has no webhook URL" end
  local body = document(service, users, duty_officers)
  local stamp = ("%d"):format(time.now())
  local headers = {}
  for name, value in pairs(settings.headers) do headers[name] = value end
  headers["Content-Type"] = "application/json"
  headers["X-Moonwatch-Delivery"] = service.delivery_id
  headers["X-Moonwatch-Timestamp"] = stamp
  if settings.secret ~= "" then
    local signature = require("crypto").hmac("sha256", settings.secret, stamp .. "." .. body)
    headers["X-Moonwatch-Signature"] = "sha256=" .. signature
  end

  local response, problem = http.post(settings.url, { body = body, headers = headers, redirects = false, max_body = 4096, timeout = PATIENCE })
  if not response then return false, "The webhook could not be reached: " .. problem end
  if response.status >= 200 and response.status < 300 then return true end
  local why = "The webhook answered " .. response.status
  if response.status >= 300 and response.status < 400 then
    why = why .. ": it has moved to " .. (response.headers["Location"] or "another place") .. "; change its URL"
  elseif response.body ~= "" then
    why = why .. ": " .. response.body:gsub("%s+", " "):sub(1, 200)
  end
  return false, why, wait_of(response)
end

Webhook.send_alert_update = Webhook.send_alert

return Webhook

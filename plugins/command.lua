-- Command: runs a program of this machine at an event, to mend what can be mended
-- without a person: restart a service, free a disk, switch a proxy over.
--
-- Only programs that the operator allows can run: start Moonwatch with
-- --allow-exec /absolute/path. There is no shell. Each argument may hold {service},
-- {status}, {kind}, {incident}, {delivery}; and the program finds in its environment
--   ALERT_KIND  SERVICE_ID  SERVICE_NAME  SERVICE_ADDRESS  OVERALL_STATUS  OLD_OVERALL_STATUS
--   INCIDENT_KEY  DELIVERY_ID  ATTEMPT  FAILING_CHECKS (one name a line)  PAGE_URL  INCIDENT_URL
-- and on its standard input the status message. Exit code 0 is success; what it
-- writes is kept in the log of the delivery. A test alert runs the program, too:
-- it sees ALERT_KIND=test.
local forms, exec, log, utf8 = require "forms", require "exec", require "log", require "utf8"

local Command = {
  name = "Command", slug = "command", version = "1.0.0", author = "Moonwatch",
  summary = "Runs an allowed program when a service fails: self-healing.",
  font_icon = "fa fa-terminal", channel = "other", needs = { "command" },
  service_config_form = {
    forms.RegexField{ "command", regex = "^/[^\\x00]+$", placeholder = "/usr/local/bin/restart-shop", error_messages = { invalid = "Enter an absolute path." },
      help_text = "Absolute path of the program. The operator must allow it by --allow-exec." },
    forms.CharField{ "arguments", required = false, placeholder = "--service {service} '{status}'",
      help_text = "Arguments as a shell would split them. {service} {status} {kind} {incident} {delivery} are replaced, each within its argument.",
      clean = function(value)
        local words, problem = exec.split(value)
        if not words then return nil, "Check the quotes: " .. problem .. "." end
        return value
      end },
    forms.MultipleChoiceField{ "kinds", required = false, initial = { "firing", "escalation" }, label = "Events",
      choices = { { "firing", "It fails" }, { "escalation", "It gets worse" }, { "repeat", "It still fails" }, { "update", "Other checks fail" },
        { "deescalation", "It gets better" }, { "recovery", "It is back to normal" }, { "acknowledged", "It is acknowledged" },
        { "unacknowledged", "It is no longer acknowledged" } },
      help_text = "Events that run the program" },
    forms.ChoiceField{ "least", initial = "WARNING", choices = { { "WARNING", "WARNING" }, { "ERROR", "ERROR" }, { "CRITICAL", "CRITICAL" } },
      label = "From severity", help_text = "Run only when the incident's worst status is at least this" },
    forms.DurationField{ "time_limit", initial = "30s", min_value = 1, max_value = 55, help_text = "After this the program is ended" },
    forms.BooleanField{ "again", label = "Try again", help_text = "Run the program again, later and later, until it succeeds" },
  },
}

local RANK = { PASSING = 0, WARNING = 1, ERROR = 2, CRITICAL = 3 }

local function wanted(service, own)
  if service.alert_kind == "test" then return true end
  if (RANK[service.worst_status] or 0) < RANK[own.least] then return false, "the incident is not at " .. own.least end
  for _, kind in ipairs(own.kinds) do
    if kind == service.alert_kind then return true end
  end
  return false, "the program is not run for " .. service.alert_kind
end

-- line is a name without what cannot stand in a variable, or on a line of its own.
local function line(name) return (name:gsub("%c", " ")) end

local function arguments_of(service, own)
  local values = { service = line(service.name), status = service.overall_status, kind = service.alert_kind,
    incident = service.incident_key, delivery = service.delivery_id }
  local argv = { own.command }
  for _, word in ipairs(exec.split(own.arguments) or {}) do
    argv[#argv + 1] = (word:gsub("{(%l+)}", values)) -- unknown names stay
  end
  return argv
end

local MOST_ENVIRONMENT = 64 * 1024 -- bytes; Linux takes 128 KiB for a variable

local function environment_of(service)
  local names = {}
  for i, check in ipairs(service:all_failing_checks()) do names[i] = line(check.name) end
  return {
    ALERT_KIND = service.alert_kind, SERVICE_ID = service.id, SERVICE_NAME = line(service.name),
    SERVICE_ADDRESS = service.url ~= "" and service.url or service.address,
    OVERALL_STATUS = service.overall_status, OLD_OVERALL_STATUS = service.old_overall_status,
    INCIDENT_KEY = service.incident_key, DELIVERY_ID = service.delivery_id, ATTEMPT = tostring(service.attempt),
    FAILING_CHECKS = utf8.fit(names, MOST_ENVIRONMENT, { unit = "bytes" }), PAGE_URL = service.page_url, INCIDENT_URL = service.incident_url,
  }
end

local function last_line(text)
  return utf8.sub(text:gsub("%s+$", ""):match("[^\n]*$") or "", 1, 200)
end

function Command:send_alert(service)
  local own = service.command_settings
  if own.command == "" then return false, "This service has no command" end
  local yes, why = wanted(service, own)
  if not yes then return "skipped", why end

  local request = arguments_of(service, own)
  request.stdin, request.env, request.timeout = service:get_status_message() .. "\n", environment_of(service), own.time_limit or 30
  local once = not own.again and { retry = false } or nil
  local answer, problem, kind, printed = exec.run(request)
  if not answer then
    if printed and printed.stdout ~= "" then log.info(printed.stdout) end
    if printed and printed.stderr ~= "" then log.warn(printed.stderr) end
    if kind == "denied" then return false, own.command .. " is not allowed: the operator must start Moonwatch with --allow-exec " .. own.command, { retry = false } end
    return false, own.command .. " could not be run: " .. problem, once
  end
  if answer.stdout ~= "" then log.info(answer.stdout) end
  if answer.stderr ~= "" then log.warn(answer.stderr) end
  if answer.code == 0 then return true end
  local line = last_line(answer.stderr ~= "" and answer.stderr or answer.stdout)
  local how = answer.signal and "was ended by " .. answer.signal or "exited with code " .. answer.code
  return false, own.command .. " " .. how .. (line ~= "" and ": " .. line or ""), once
end

Command.send_alert_update = Command.send_alert

return Command

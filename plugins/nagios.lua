-- Nagios plugin: runs one of the many check_* programs that exist.
--
-- The operator must allow the program (moonwatch --allow-exec /usr/lib/nagios/plugins/check_disk).
-- Its exit code is the result: 0 passes, 1 is WARNING, 2 is CRITICAL, 3 and all others
-- are unknown. The first line of its output is the message, or the error; the whole
-- output is kept with failures. Performance data become metrics:
--   'label'=value[UOM];warn;crit;min;max
-- A threshold there is a range (10, 10:, ~:10, 10:20, @10:20); a metric has one number
-- for it, so it takes the range's upper end, or the lower where there is no upper one.
local exec, forms, re = require "exec", require "forms", require "re"

local Nagios = {
  name = "Nagios plugin", slug = "nagios", version = "1.0.1", author = "Moonwatch",
  summary = "Runs a check_* program and takes its verdict and performance data.",
  font_icon = "fa fa-terminal",
  config_form = {
    forms.RegexField{ "command", regex = "^/.*[^/]$", placeholder = "/usr/lib/nagios/plugins/check_load",
      error_messages = { invalid = "Enter the whole path of the program, beginning with /." },
      help_text = "Path of the program, which must be started with --allow-exec" },
    forms.CharField{ "arguments", required = false, max_length = 4000, placeholder = "-w 5,4,3 -c 10,8,6",
      help_text = "Arguments, parted and quoted as in a shell, but without variables or wildcards" },
  },
}

function Nagios:clean(values)
  local words, problem = exec.split(values.arguments or "")
  if not words then return nil, { arguments = "This cannot be parted into words: " .. problem .. "." } end
  return values
end

local PERFDATA = [[('(?:[^'=]|'')+'|[^\s'=]+)=([-+0-9.eE,]+|U)([^\s;0-9][^\s;]*)?(?:;([^\s;]*))?(?:;([^\s;]*))?(?:;([^\s;]*))?(?:;([^\s;]*))?]]

local function number(text) return text and tonumber((text:gsub(",", "."))) or nil end

-- threshold gives one number for a range.
local function threshold(range)
  if not range or range == "" then return nil end
  local low, high = range:match("^@?([^:]*):?(.*)$")
  if not range:find(":", 1, true) then return number(low) end
  return number(high) or number(low)
end

-- parts returns the text on an output's first line and its performance data, which
-- follow a | on that line and another on a later one.
local function parts(output)
  local first, rest = output:match("^([^\n]*)\n?(.*)$")
  local text, data = first:match("^([^|]*)|?(.*)$")
  return text:match("^%s*(.-)%s*$"), data .. " " .. rest:match("^[^|]*|?(.*)$")
end

local function metrics(result, data)
  for _, found in ipairs(re.find_all(PERFDATA, data)) do
    local label = found[1]:match("^'(.*)'$")
    label = label and label:gsub("''", "'") or found[1]
    result:metric(label, number(found[2]), {
      unit = found[3] or "", warn = threshold(found[4]), fail = threshold(found[5]), min = number(found[6]), max = number(found[7]) })
  end
end

local function output_of(answer)
  return answer.stdout .. (answer.stderr ~= "" and "\n" .. answer.stderr or "")
end

function Nagios:run(check, result)
  local command = { check.command }
  for _, word in ipairs(exec.split(check.arguments)) do command[#command + 1] = word end
  local answer, problem, kind, printed = exec.run(command)
  if not answer then
    result.unknown, result.error = kind ~= "timeout", problem
    if printed then result.raw_data = output_of(printed) end -- until it was ended
    return result
  end

  local text, data = parts(answer.stdout)
  metrics(result, data)
  if text == "" then text = answer.stderr:match("^%s*([^\n]*)") end
  if text == "" then text = check.command:match("[^/]+$") .. " printed nothing" end
  if answer.signal then
    result.unknown, result.error = true, ("%s was ended by %s"):format(check.command:match("[^/]+$"), answer.signal)
  elseif answer.code == 0 then
    result.succeeded, result.message = true, text
    return result
  elseif answer.code == 1 or answer.code == 2 then
    result.error, result.severity = text, answer.code == 1 and "WARNING" or "CRITICAL"
  elseif answer.code == 3 then
    result.unknown, result.error = true, text
  else
    result.unknown, result.error = true, ("Exit code %d: %s"):format(answer.code, text)
  end
  result.raw_data = output_of(answer)
  return result
end

function Nagios:description(check)
  return check.command:match("[^/]+$") .. (check.arguments ~= "" and " " .. check.arguments or "")
end

return Nagios

-- Graphite: renders a metric and fails when one of its series crosses a value.
--
-- A series fails when any point of the last GRAPHITE_FROM crosses the value; the
-- check fails when more series fail than allowed_num_failures, or fewer have data
-- than expected_num_hosts. Without any data, or without an answer from Graphite,
-- nothing is known of the hosts: the result is unknown, neither pass nor failure.
--
-- Messages: `Hosts missing | 1/2 hosts`; `web1: 9.5 > 9.0, web2: 12 > 9.0`, where a
-- host is the part of the target that differs from those of the other series.
local forms, http, json = require "forms", require "http", require "json"
local compare = require "shipped.compare"

local Graphite = {
  name = "Graphite", slug = "graphite", version = "1.0.0", author = "Moonwatch",
  summary = "Compares the points of a Graphite metric with a value, series by series.",
  font_icon = "glyphicon glyphicon-signal",
  settings_form = {
    forms.URLField{ "api", required = false, env = "GRAPHITE_API", label = "API", placeholder = "https://graphite.example.org/",
      help_text = "Address of Graphite, without render. Else GRAPHITE_API is taken." },
    forms.CharField{ "user", required = false, env = "GRAPHITE_USER", help_text = "User name. Else GRAPHITE_USER is taken." },
    forms.CharField{ "password", required = false, env = "GRAPHITE_PASS", widget = forms.PasswordInput,
      help_text = "Password. Else GRAPHITE_PASS is taken." },
    forms.CharField{ "from", required = false, env = "GRAPHITE_FROM", placeholder = "-10minute",
      help_text = "How far to look back. Else GRAPHITE_FROM is taken, else -10minute." },
  },
  config_form = {
    forms.CharField{ "metric", max_length = 2000, placeholder = "servers.*.loadavg.05",
      help_text = "Metric or function to render; wildcards give one series for each host" },
    forms.ChoiceField{ "check_type", choices = { { ">", ">" }, { ">=", ">=" }, { "<", "<" }, { "<=", "<=" }, { "==", "==" } },
      help_text = "How a point is compared with the value" },
    forms.FloatField{ "value", help_text = "A series fails when one of its points compares so with this value" },
    forms.IntegerField{ "expected_num_hosts", initial = 0, min_value = 0, help_text = "Least number of series that must have data" },
    forms.IntegerField{ "allowed_num_failures", initial = 0, min_value = 0, help_text = "Number of series that may fail" },
  },
}

-- points_of returns the values of a series that are not null.
local function points_of(series)
  local points = {}
  for _, point in ipairs(type(series.datapoints) == "table" and series.datapoints or {}) do
    local value = type(point) == "table" and point[1]
    if type(value) == "number" then points[#points + 1] = value end
  end
  return points
end

-- short_names leaves out the nodes that all targets have in common at either end.
local function short_names(targets)
  local split, names = {}, {}
  for i, target in ipairs(targets) do
    split[i] = {}
    for node in target:gmatch("[^.]+") do table.insert(split[i], node) end
  end
  local function common(node_of)
    for n = 0, 100 do
      for i = 1, #split do
        local node = node_of(split[i], n)
        if not node or node ~= node_of(split[1], n) then return n end
      end
    end
    return 0
  end
  local first = common(function(nodes, n) return nodes[n + 1] end)
  local last = common(function(nodes, n) return nodes[#nodes - n] end)
  for i, nodes in ipairs(split) do
    local name = #split > 1 and table.concat(nodes, ".", first + 1, math.max(#nodes - last, first)) or ""
    names[i] = name ~= "" and name or targets[i]
  end
  return names
end

local function unknown(result, problem, raw)
  result.unknown, result.error, result.raw_data = true, problem, raw
  return result
end

function Graphite:run(check, result)
  local settings = self.settings
  if settings.api == "" then return unknown(result, "GRAPHITE_API is not set") end
  local from = settings.from ~= "" and settings.from or "-10minute"
  local response, problem = http.get(settings.api:match("^(.-)/*$") .. "/render", {
    query = { target = check.metric, format = "json", from = from },
    auth = settings.user ~= "" and { settings.user, settings.password } or nil, max_body = 4 * 1024 * 1024 })
  if not response then return unknown(result, "Error fetching from Graphite: " .. problem) end
  if response.status ~= 200 then
    return unknown(result, "Error fetching from Graphite: it answered " .. response.status, response.body)
  end
  local answer, mistake = response:json()
  if type(answer) ~= "table" then
    return unknown(result, "Error fetching from Graphite: " .. (mistake or "the answer is no list of series"), response.body)
  end

  local targets, all = {}, {}
  for _, series in ipairs(answer) do
    local points = type(series) == "table" and points_of(series) or {}
    if #points > 0 then
      targets[#targets + 1] = tostring(series.target)
      all[#all + 1] = points
    end
  end
  local names, failing, crosses = short_names(targets), {}, compare[check.check_type]
  for i, points in ipairs(all) do
    result:metric(names[i], points[#points], { fail = check.value })
    local worst
    for _, value in ipairs(points) do
      -- of several that cross, the one farthest from the value is shown
      if crosses(value, check.value) and (not worst or math.abs(value - check.value) > math.abs(worst - check.value)) then worst = value end
    end
    if worst then
      local shown = check.value == math.floor(check.value) and "%.1f" or "%.6g"
      failing[#failing + 1] = ("%s: %.10g %s " .. shown):format(names[i], worst, check.check_type, check.value)
    end
  end

  if #all < check.expected_num_hosts and #all > 0 then
    result.error = ("Hosts missing | %d/%d hosts"):format(#all, check.expected_num_hosts)
  elseif #all == 0 then
    return unknown(result, "No data for " .. check.metric .. " since " .. from, json.encode(answer))
  elseif #failing > check.allowed_num_failures then
    result.error = table.concat(failing, ", ")
  else
    result.succeeded, result.message = true, ("%d of %d series are fine"):format(#all - #failing, #all)
    return result
  end
  result.raw_data = json.encode(answer)
  return result
end

function Graphite:description(check)
  return ("Fails when %s %s %.10g"):format(check.metric, check.check_type, check.value)
end

return Graphite

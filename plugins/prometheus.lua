-- Prometheus: makes a query and compares each series of the answer with two thresholds.
--
-- A series fails (or warns) when `value comparison threshold` is true, so with the
-- comparison > it is fine up to and with the threshold. Of a range (`up[5m]`) the last
-- value counts; NaN counts as no value. Without any series the result is what on_empty
-- says. When Prometheus cannot be asked, or refuses the query, the result is unknown, as
-- it is without a series when the answer came with warnings: it may be partial.
--
-- Redirects are followed here, because the query must go with them; the password and the
-- headers go to the same site only.
--
-- Messages: `load{host=a} is 95 (> 90)`, the labels naming the series; `No series for QUERY`.
local forms, http, log, url = require "forms", require "http", require "log", require "url"
local compare = require "shipped.compare"

local SHOWN = 5 -- series that a message lists
local REDIRECTS = 10

local Prometheus = {
  name = "Prometheus", slug = "prometheus", version = "1.1.0", author = "Moonwatch",
  summary = "Compares the series of a Prometheus query with thresholds.",
  font_icon = "fa fa-line-chart",
  config_form = {
    forms.URLField{ "server", group = "Query", placeholder = "http://prometheus.example.org:9090", help_text = "Address of Prometheus, or of what speaks its API" },
    forms.CharField{ "query", group = "Query", widget = forms.Textarea, max_length = 8000, placeholder = "max by (host) (node_load5)", help_text = "Query in PromQL" },
    forms.ChoiceField{ "comparison", group = "Thresholds", initial = ">", help_text = "How a value is compared with the thresholds",
      choices = { { ">", ">" }, { ">=", ">=" }, { "<", "<" }, { "<=", "<=" }, { "==", "==" }, { "!=", "!=" } } },
    forms.FloatField{ "warn", group = "Thresholds", required = false, help_text = "Warn when a value compares so with this" },
    forms.FloatField{ "fail", group = "Thresholds", required = false, help_text = "Fail when a value compares so with this" },
    forms.ChoiceField{ "on_empty", group = "Thresholds", initial = "unknown", help_text = "What it means when no series comes back",
      choices = { { "unknown", "Unknown" }, { "pass", "Pass" }, { "fail", "Fail" } } },
    forms.CharField{ "username", group = "Access", required = false, help_text = "User name for basic authentication" },
    forms.CharField{ "password", group = "Access", required = false, widget = forms.PasswordInput, help_text = "Password for basic authentication" },
    forms.KeyValueField{ "headers", group = "Access", required = false, widget = forms.PasswordInput, placeholder = "Authorization: Bearer …",
      help_text = "Headers to send, one a line; they are kept secret" },
    forms.BooleanField{ "verify_ssl_certificate", group = "Access", initial = true, label = "Verify SSL certificate", help_text = "Fail when the certificate is not trusted" },
  },
}

function Prometheus:clean(values)
  if not values.warn and not values.fail then
    return nil, { fail = "Enter a value to warn or to fail at." }
  end
  return values
end

local function table_of(value) return type(value) == "table" and value or {} end

-- number_of reads a sample's value, which is text; NaN is nil.
local function number_of(sample)
  local text = table_of(sample)[2]
  if text == "+Inf" then return math.huge elseif text == "-Inf" then return -math.huge end
  return type(text) == "string" and tonumber(text) or nil
end

-- name_of writes a series as name{label=value, …}.
local function name_of(labels)
  local parts = {}
  for name, value in pairs(labels) do
    if name ~= "__name__" then parts[#parts + 1] = name .. "=" .. tostring(value) end
  end
  table.sort(parts)
  local name = tostring(labels.__name__ or "")
  if #parts > 0 then name = name .. "{" .. table.concat(parts, ", ") .. "}" end
  return name ~= "" and name or "value"
end

-- series_of returns { name, value } for each series of an answer, or nil for an answer of another kind.
local function series_of(data)
  local kind, found = data.resultType, {}
  if kind == "scalar" then
    found[1] = { name = "value", value = number_of(data.result) }
  elseif kind == "vector" or kind == "matrix" then
    for _, series in ipairs(table_of(data.result)) do
      series = table_of(series)
      local samples = table_of(series.values)
      local value = number_of(series.value or samples[#samples])
      if value then found[#found + 1] = { name = name_of(table_of(series.metric)), value = value } end
    end
  else
    return nil
  end
  return found
end

local function unknown(result, problem, raw)
  result.unknown, result.error, result.raw_data = true, problem, raw
  return result
end

local function listed(problems)
  local text = table.concat(problems, "; ", 1, math.min(#problems, SHOWN))
  if #problems > SHOWN then text = ("%s; and %d more"):format(text, #problems - SHOWN) end
  return text
end

local function port_of(parts) return parts.port or parts.scheme == "https" and 443 or 80 end

-- follow returns the address that a Location is, seen from another, and whether it is of
-- the same site: credentials may go there.
local function follow(from, location)
  local here = url.parse(from)
  if location:find("^//") then location = here.scheme .. ":" .. location
  elseif location:find("^/") then location = from:match("^%a+://[^/?#]*") .. location
  elseif not location:find("^%a[%w+.-]*:") then location = from:match("^%a+://[^?#]*/") .. location end
  local there = url.parse(location)
  if not there then return location, false end
  local same = there.host == here.host and
    (there.scheme == here.scheme and port_of(there) == port_of(here) or here.scheme == "http" and there.scheme == "https")
  return location, same
end

-- ask posts the query, or gets it where that is all that is allowed. It returns the
-- response and the address that gave it.
local function ask(check)
  local at, method, trusted = check.server:match("^(.-)/*$") .. "/api/v1/query", "POST", true
  for _ = 0, REDIRECTS + 1 do
    local query = { query = check.query }
    local response, problem = http.request{
      method = method, url = at, redirects = false, max_body = 4 * 1024 * 1024, verify = check.verify_ssl_certificate,
      form = method == "POST" and query or nil,
      query = method == "GET" and not at:find("[?&]query=") and query or nil,
      headers = trusted and check.headers or nil,
      auth = trusted and check.username ~= "" and { check.username, check.password } or nil }
    if not response then return nil, problem end
    local location = response.headers.Location
    if method == "POST" and (response.status == 405 or response.status == 501) then
      method = "GET"
    elseif response.status >= 301 and response.status <= 308 and location then
      local same
      at, same = follow(at, location)
      trusted = trusted and same
    else
      return response, at
    end
  end
  return nil, "it redirects again and again, at last to " .. at
end

-- warnings_of returns the warnings of an answer as one text; they say that it may be partial.
local function warnings_of(answer)
  local texts = {}
  for _, text in ipairs(table_of(answer.warnings)) do texts[#texts + 1] = tostring(text) end
  return table.concat(texts, "; ")
end

function Prometheus:run(check, result)
  local response, at = ask(check)
  if not response then return unknown(result, "Prometheus could not be asked: " .. at) end
  local asked = check.server:match("^(.-)/*$") .. "/api/v1/query"
  local moved = at ~= asked and " (it redirected to " .. at:match("^[^?#]*") .. ")" or ""
  local answer, mistake = response:json()
  if type(answer) == "table" and answer.status == "error" then
    return unknown(result, "Prometheus refused the query: " .. tostring(answer.error) .. moved, response.body)
  elseif response.status ~= 200 then
    return unknown(result, "Prometheus could not be asked: it answered " .. response.status .. moved, response.body)
  elseif type(answer) ~= "table" or type(answer.data) ~= "table" then
    return unknown(result, "The answer is not that of Prometheus" .. moved .. (mistake and ": " .. mistake or ""), response.body)
  end
  local series = series_of(answer.data)
  if not series then return unknown(result, "The query gives a " .. tostring(answer.data.resultType) .. ", which is no number", response.body) end
  local warnings = warnings_of(answer)
  if warnings ~= "" then log.warn("Prometheus warns: " .. warnings) end
  if #series == 0 and warnings ~= "" then
    return unknown(result, ("No series for %s, but the answer may be partial: %s"):format(check.query, warnings), response.body)
  elseif #series == 0 then
    result.unknown, result.succeeded = check.on_empty == "unknown", check.on_empty == "pass"
    local text = "No series for " .. check.query
    if result.succeeded then result.message = text else result.error = text end
    return result
  end

  local crosses, failing, warning = compare[check.comparison], {}, {}
  for _, one in ipairs(series) do
    result:metric(one.name, one.value, { warn = check.warn, fail = check.fail })
    local list, limit
    if check.fail and crosses(one.value, check.fail) then list, limit = failing, check.fail
    elseif check.warn and crosses(one.value, check.warn) then list, limit = warning, check.warn end
    if list then list[#list + 1] = ("%s is %.10g (%s %.10g)"):format(one.name, one.value, check.comparison, limit) end
  end
  if #failing > 0 then
    result.error, result.raw_data = listed(failing), response.body
  elseif #warning > 0 then
    result.error, result.raw_data, result.severity = listed(warning), response.body, "WARNING"
  else
    result.succeeded = true
    result.message = #series == 1 and ("%s is %.10g"):format(series[1].name, series[1].value) or #series .. " series are fine"
    if warnings ~= "" then result.message = ("%s, but the answer may be partial: %s"):format(result.message, warnings) end
  end
  return result
end

function Prometheus:description(check)
  local limits = {}
  if check.warn then limits[#limits + 1] = ("warns %s %.10g"):format(check.comparison, check.warn) end
  if check.fail then limits[#limits + 1] = ("fails %s %.10g"):format(check.comparison, check.fail) end
  return check.query:gsub("%s+", " ") .. " " .. table.concat(limits, ", ")
end

return Prometheus

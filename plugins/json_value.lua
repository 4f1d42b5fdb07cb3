-- JSON value: a number anywhere in a JSON answer (of Elasticsearch, InfluxDB, a
-- status page …), compared with two thresholds.
--
-- Warns or fails when `value comparison threshold` is true. No answer, or one with
-- another status than 2xx, is a failure; an answer without that number is unknown:
-- no data that does not pass.
--
-- Messages: `hits.total.value is 120 (> 100)`, `There is no number at hits.total.value`,
-- `Request error occurred: …`, `Wrong code: got 500 (expected 2xx)`.
local forms, http, json = require "forms", require "http", require "json"
local compare = require "shipped.compare"

local function clean_path(path)
  if not pcall(json.get, {}, path) then return nil, "Enter a path such as data.items[0].value." end
  return path
end

local JsonValue = {
  name = "JSON value", slug = "json_value", version = "1.1.0", author = "Moonwatch",
  summary = "Compares a number in a JSON answer with thresholds.",
  font_icon = "fa fa-bar-chart",
  config_form = {
    forms.URLField{ "endpoint", group = "Request", placeholder = "http://elastic.example.org:9200/logs/_search", help_text = "URL to request" },
    forms.ChoiceField{ "method", group = "Request", initial = "GET", choices = { { "GET", "GET" }, { "POST", "POST" } }, help_text = "Method of the request" },
    forms.CharField{ "body", group = "Request", required = false, widget = forms.Textarea, show_if = { method = "POST" },
      help_text = "Body to send, as application/json if the headers say nothing else" },
    forms.KeyValueField{ "headers", group = "Request", required = false, widget = forms.PasswordInput, placeholder = "Authorization: Bearer …",
      help_text = "Headers to send, one a line; they are kept secret" },
    forms.CharField{ "username", group = "Request", required = false, help_text = "User name for basic authentication" },
    forms.CharField{ "password", group = "Request", required = false, widget = forms.PasswordInput, help_text = "Password for basic authentication" },
    forms.BooleanField{ "verify_ssl_certificate", group = "Request", initial = true, label = "Verify SSL certificate", help_text = "Fail when the certificate is not trusted" },
    forms.CharField{ "path", group = "Value", placeholder = "hits.total.value", clean = clean_path,
      help_text = "Where the number is in the answer: names with dots, places in lists from [0]" },
    forms.ChoiceField{ "comparison", group = "Value", initial = ">", help_text = "How the number is compared with the thresholds",
      choices = { { ">", ">" }, { ">=", ">=" }, { "<", "<" }, { "<=", "<=" }, { "==", "==" }, { "!=", "!=" } } },
    forms.FloatField{ "warn", group = "Value", required = false, help_text = "Warn when the number compares so with this" },
    forms.FloatField{ "fail", group = "Value", required = false, help_text = "Fail when the number compares so with this" },
    forms.CharField{ "unit", group = "Value", required = false, max_length = 20, placeholder = "ms", help_text = "Unit of the number, for the chart" },
  },
}

function JsonValue:clean(values)
  if not values.warn and not values.fail then
    return nil, { fail = "Enter a value to warn or to fail at." }
  end
  return values
end

local function headers_of(check)
  if check.method ~= "POST" or check.headers["Content-Type"] then return check.headers end
  local headers = { ["Content-Type"] = "application/json" }
  for name, value in pairs(check.headers) do headers[name] = value end
  return headers
end

function JsonValue:run(check, result)
  local response, problem = http.request{
    method = check.method, url = check.endpoint, headers = headers_of(check), body = check.body ~= "" and check.body or nil,
    auth = check.username ~= "" and { check.username, check.password } or nil,
    verify = check.verify_ssl_certificate, max_body = 4 * 1024 * 1024 }
  if not response then
    result.error = "Request error occurred: " .. problem
    return result
  end
  result.raw_data = response.body
  if response.status < 200 or response.status > 299 then
    result.error = ("Wrong code: got %d (expected 2xx)"):format(response.status)
    return result
  end
  local answer, mistake = response:json{ null = "keep" }
  if mistake then
    result.unknown, result.error = true, "Response body is not JSON: " .. mistake
    return result
  end
  local found = json.get(answer, check.path)
  local value = (type(found) == "number" or type(found) == "string") and tonumber(found)
  if not value then
    result.unknown, result.error = true, "There is no number at " .. check.path
    return result
  end

  result:metric(check.path, value, { unit = check.unit, warn = check.warn, fail = check.fail })
  local crosses, limit = compare[check.comparison], nil
  if check.fail and crosses(value, check.fail) then
    limit = check.fail
  elseif check.warn and crosses(value, check.warn) then
    limit, result.severity = check.warn, "WARNING"
  end
  local text = ("%s is %.10g"):format(check.path, value) .. (check.unit ~= "" and " " .. check.unit or "")
  if limit then
    result.error = ("%s (%s %.10g)"):format(text, check.comparison, limit)
  else
    result.succeeded, result.message, result.raw_data = true, text, ""
  end
  return result
end

function JsonValue:description(check)
  return ("%s in %s"):format(check.path, check.endpoint)
end

return JsonValue

-- HTTP status: requests a URL and looks at the answer: its code, its text, a
-- value in its JSON, its speed and its certificate.
--
-- This check runs more often than all others together, so run() reads no more
-- of the check than it needs, and loads "re" and "json" only when they are used.
local forms, http = require "forms", require "http"

local function clean_path(path)
  if path ~= "" and not pcall(require("json").get, {}, path) then return nil, "Enter a path such as data.items[0].state." end
  return path
end

local Http = {
  name = "HTTP status", slug = "http", version = "1.2.0", author = "Moonwatch",
  summary = "Requests a URL and checks the status code, text, JSON, speed and certificate of the answer.",
  font_icon = "glyphicon glyphicon-arrow-up",
  settings_form = {
    forms.CharField{ "user_agent", required = false, env = "HTTP_USER_AGENT", label = "User-Agent",
      help_text = "Sent with every request that names none in its headers. Else HTTP_USER_AGENT is taken." },
  },
  config_form = {
    forms.URLField{ "endpoint", group = "Request", help_text = "URL to request", placeholder = "https://example.org/health" },
    forms.ChoiceField{ "method", group = "Request", initial = "GET", help_text = "Method of the request",
      choices = { { "GET", "GET" }, { "HEAD", "HEAD" }, { "POST", "POST" }, { "PUT", "PUT" }, { "PATCH", "PATCH" }, { "DELETE", "DELETE" }, { "OPTIONS", "OPTIONS" } } },
    forms.KeyValueField{ "headers", group = "Request", required = false, widget = forms.PasswordInput, placeholder = "Authorization: Bearer …",
      help_text = "Headers to send, one a line; they are kept secret" },
    forms.CharField{ "body", group = "Request", required = false, widget = forms.Textarea, help_text = "Body to send",
      show_if = { method = { "POST", "PUT", "PATCH", "DELETE" } } },
    forms.CharField{ "username", group = "Request", required = false, help_text = "User name for basic authentication" },
    forms.CharField{ "password", group = "Request", required = false, widget = forms.PasswordInput, help_text = "Password for basic authentication" },

    forms.RegexField{ "status_code", group = "Answer", initial = "200", label = "Status code",
      regex = "^\\s*[1-5]([0-9]{2}|[xX]{2})(\\s*,\\s*[1-5]([0-9]{2}|[xX]{2}))*\\s*$",
      error_messages = { invalid = "Enter a code (200), a class (2xx) or a list of them (200,204,3xx)." },
      help_text = "Status code to expect: 200, a class such as 2xx, or a list such as 200,204" },
    forms.PatternField{ "text_match", group = "Answer", required = false, help_text = "Regular expression that the body must match" },
    forms.PatternField{ "text_absent", group = "Answer", required = false, help_text = "Regular expression that the body must not match" },
    forms.CharField{ "json_path", group = "Answer", required = false, label = "JSON path", placeholder = "data.items[0].state",
      clean = clean_path, help_text = "Value in a JSON body that must be there" },
    forms.CharField{ "json_value", group = "Answer", required = false, label = "JSON value",
      help_text = "What the value at the JSON path must be; empty: anything" },
    forms.IntegerField{ "max_size", group = "Answer", initial = 1, min_value = 1, max_value = 8, unit = "MiB", label = "Largest body",
      help_text = "Fail when the body is larger, if text or JSON is asked for" },

    forms.BooleanField{ "verify_ssl_certificate", group = "Connection", initial = true, label = "Verify SSL certificate",
      help_text = "Fail when the certificate is not trusted" },
    forms.BooleanField{ "follow_redirects", group = "Connection", initial = true, help_text = "Follow up to 10 redirects" },
    forms.IntegerField{ "certificate_days", group = "Connection", required = false, min_value = 1, max_value = 3650, unit = "days",
      help_text = "Warn when a certificate expires in fewer days: of the URL, of a redirect, or an intermediate one" },
    forms.DurationField{ "warn_after", group = "Speed", required = false, placeholder = "500ms", help_text = "Warn when the answer takes longer" },
    forms.DurationField{ "fail_after", group = "Speed", required = false, placeholder = "2s", help_text = "Fail when the answer takes longer" },
  },
}

-- reads_body tells whether a check asks for anything in the body.
local function reads_body(check)
  return check.text_match ~= "" or check.text_absent ~= "" or check.json_path ~= ""
end

function Http:clean(values)
  if values.method == "HEAD" then
    for _, field in ipairs{ "text_match", "text_absent", "json_path" } do
      if (values[field] or "") ~= "" then return nil, { [field] = "The answer to HEAD has no body: choose GET, or leave this empty." } end
    end
  end
  if values.certificate_days and not values.follow_redirects and (values.endpoint or ""):lower():find("^http:") then
    return nil, { certificate_days = "There is no certificate at an http:// URL whose redirects are not followed." }
  end
  return values
end

-- accepted tells whether a status is in a list such as "200,204,3xx".
local function accepted(list, status)
  for part in list:lower():gmatch("[^,%s]+") do
    if part == status or part:sub(2) == "xx" and part:sub(1, 1) == status:sub(1, 1) then return true end
  end
  return false
end

-- json_problem compares the value at the JSON path; nil is no problem.
local function json_problem(response, path, expected)
  local json = require "json"
  local body, problem = json.decode(response.body, { null = "keep" })
  if problem then return "Response body is not JSON: " .. problem end
  local value = json.get(body, path)
  if value == nil then return "Failed to find JSON path " .. path .. " in response body" end
  if expected == "" then return nil end
  local text = type(value) == "table" and json.encode(value) or tostring(value)
  if text == expected or type(value) == "number" and value == tonumber(expected) then return nil end
  return ("Wrong value at JSON path %s: got %s (expected %s)"):format(path, text:sub(1, 100), expected)
end

-- body_problem looks at the body as far as the check asks for it. What cannot be
-- read is neither right nor wrong: unknown, the second value.
local function body_problem(check, response)
  if not reads_body(check) then return end
  if response.undecoded ~= "" then return "Response body cannot be read: " .. response.undecoded .. " is not known here", true end
  if response.truncated then return ("Response body is larger than %d MiB"):format(check.max_size) end
  local match, absent, path = check.text_match, check.text_absent, check.json_path
  if match ~= "" and not require("re").match(match, response.body) then
    return "Failed to find match regex /" .. match .. "/ in response body"
  end
  if absent ~= "" and require("re").match(absent, response.body) then
    return "Found match regex /" .. absent .. "/ in response body"
  end
  if path ~= "" then return json_problem(response, path, check.json_value) end
end

-- expiry_problem looks at the certificates of all hops.
local function expiry_problem(expiry, response, days)
  local left = (expiry.at - require("time").now()) / 86400
  if left >= days then return end
  local what = "Certificate"
  if not expiry.leaf then what = "Certificate " .. expiry.subject end
  if not expiry.leaf or not response.url:find("://" .. expiry.host, 1, true) then what = what .. " of " .. expiry.host end
  if left < 0 then return what .. " has expired" end
  return ("%s expires in %d days (fewer than %d)"):format(what, left, days)
end

-- warning gives what is no failure yet.
local function warning(response, total, warn_after, days)
  if warn_after and total > warn_after then
    return ("Response took %.3g s (more than %.3g s)"):format(total, warn_after)
  end
  if days and response.expiry then return expiry_problem(response.expiry, response, days) end
end

local function headers_of(headers, user_agent)
  if user_agent == "" or headers["User-Agent"] then return headers end
  local all = { ["User-Agent"] = user_agent }
  for name, value in pairs(headers) do all[name] = value end
  return all
end

-- options_of gives what differs from the defaults.
local function options_of(check, user_agent)
  local options = {}
  local headers, user, body = check.headers, check.username, check.body
  if user_agent ~= "" or next(headers) then options.headers = headers_of(headers, user_agent) end
  if user ~= "" then options.auth = { user, check.password } end
  if body ~= "" then options.body = body end
  if not reads_body(check) then -- what comes at once is shown with a failure
    options.max_body, options.body_timeout = 32768, 0.1
  elseif check.max_size ~= 1 then -- 1 MiB is what the module takes by itself
    options.max_body = check.max_size * 1048576
  end
  if not check.verify_ssl_certificate or not check.follow_redirects then
    options.verify, options.redirects = check.verify_ssl_certificate, check.follow_redirects
  end
  return options
end

function Http:run(check, result)
  local method, options, response, problem = check.method, options_of(check, self.settings.user_agent)
  if method == "GET" then
    response, problem = http.get(check.endpoint, options)
  else
    options.method, options.url = method, check.endpoint
    response, problem = http.request(options)
  end
  if not response then
    result.error = "Request error occurred: " .. problem
    return result
  end

  local timings, warn_after, fail_after = response.timings, check.warn_after, check.fail_after
  local total = timings.total
  if warn_after or fail_after then
    result:metric("total", total, { unit = "s", warn = warn_after, fail = fail_after })
  else
    result:metric("total", total, "s")
  end
  result:metric("first_byte", timings.first_byte, "s")
  if timings.connect > 0 then -- else the connection was kept from an earlier run
    result:metric("dns", timings.dns, "s")
    result:metric("connect", timings.connect, "s")
    if timings.tls > 0 then result:metric("tls", timings.tls, "s") end
  end

  local status, expected = tostring(response.status), check.status_code
  if status ~= expected and not accepted(expected, status) then
    problem = "Wrong code: got " .. status .. " (expected " .. expected .. ")"
  else
    problem, result.unknown = body_problem(check, response)
  end
  if not problem and fail_after and total > fail_after then
    problem = ("Response took %.3g s (more than %.3g s)"):format(total, fail_after)
  end
  if not problem then
    problem = warning(response, total, warn_after, check.certificate_days)
    if not problem then
      if check.certificate_days and not response.expiry then
        result.message = "No certificate was looked at: neither the URL nor a redirect is https"
      end
      result.succeeded = true
      return result
    end
    result.severity = "WARNING"
  end
  result.error, result.raw_data = problem, response.body
  return result
end

function Http:description(check)
  return "Status Code " .. check.status_code .. " from " .. check.endpoint
end

return Http

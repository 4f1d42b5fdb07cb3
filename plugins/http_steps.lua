-- Steps: requests one after the other with the cookies of the answers before them:
-- log in, follow, assert. Each step is timed, and the first that fails ends the check.
--
-- {{name}} in a step's URL, headers, body or expected text stands for a variable, or for
-- what an earlier step captured; {{name|url}} and {{name|json}} escape it. Captures are
-- lines `name: source`:
--   token: json data.token          a value of a JSON body
--   csrf: regex name="csrf" value="([^"]+)"   the first group of a match in the body
--   next: header Location           a header of the answer
--
-- Messages: those of the plugin http after `Step 2 (log in): `, such as `Wrong code: got
-- 500 (expected 2xx)` and `Failed to find match regex /R/ in response body`, and `Failed to
-- capture token: json data.token`. A variable that nobody set is a mistake in the check:
-- unknown. raw_data is the body of the step that failed.
local forms, http, json, re, url = require "forms", require "http", require "json", require "re", require "url"

local Steps = {
  name = "HTTP steps", slug = "http_steps", version = "1.1.0", author = "Moonwatch",
  summary = "Makes requests in turn with one cookie jar: log in, follow, assert.",
  font_icon = "fa fa-tasks",
  config_form = {
    forms.ListField{ "steps", min_items = 1, max_items = 20, help_text = "Requests, in order", fields = {
      forms.CharField{ "name", max_length = 60, placeholder = "log in", help_text = "What the step does" },
      forms.CharField{ "url", label = "URL", max_length = 2000, placeholder = "https://shop.example.org/login", help_text = "URL to request" },
      forms.ChoiceField{ "method", initial = "GET", help_text = "Method of the request",
        choices = { { "GET", "GET" }, { "HEAD", "HEAD" }, { "POST", "POST" }, { "PUT", "PUT" }, { "PATCH", "PATCH" }, { "DELETE", "DELETE" } } },
      forms.KeyValueField{ "headers", required = false, widget = forms.PasswordInput, placeholder = "Content-Type: application/json", help_text = "Headers to send, one a line; they are kept secret" },
      forms.CharField{ "body", required = false, widget = forms.Textarea, placeholder = "user=ada&password={{password|url}}",
        help_text = "Body to send, as a form's if the headers say nothing else" },
      forms.RegexField{ "status_code", initial = "2xx", label = "Status code",
        regex = "^\\s*[1-5]([0-9]{2}|[xX]{2})(\\s*,\\s*[1-5]([0-9]{2}|[xX]{2}))*\\s*$",
        error_messages = { invalid = "Enter a code (200), a class (2xx) or a list of them (200,204,3xx)." },
        help_text = "Status code to expect: 200, a class such as 2xx, or a list such as 200,204" },
      forms.BooleanField{ "follow_redirects", initial = true, help_text = "Follow up to 10 redirects" },
      forms.KeyValueField{ "captures", required = false, placeholder = "token: json data.token",
        help_text = "What to keep of the answer, one a line: `name: json PATH`, `name: regex PATTERN` or `name: header NAME`" },
      forms.PatternField{ "text_match", required = false, help_text = "Regular expression that the body must match" },
      forms.PatternField{ "text_absent", required = false, help_text = "Regular expression that the body must not match" },
      forms.CharField{ "json_path", required = false, label = "JSON path", placeholder = "data.items[0].state", help_text = "Value in a JSON body that must be there" },
      forms.CharField{ "json_value", required = false, label = "JSON value", help_text = "What that value must be; empty: anything" },
    } },
    forms.KeyValueField{ "variables", required = false, widget = forms.PasswordInput, placeholder = "password: …",
      help_text = "Values for {{name}}, one a line; they are kept secret" },
    forms.BooleanField{ "verify_ssl_certificate", initial = true, label = "Verify SSL certificate", help_text = "Fail when a certificate is not trusted" },
    forms.DurationField{ "warn_after", required = false, placeholder = "2s", help_text = "Warn when all steps together take longer" },
    forms.DurationField{ "fail_after", required = false, placeholder = "5s", help_text = "Fail when all steps together take longer" },
  },
}

local SOURCES = { json = true, regex = true, header = true }

-- check_capture tells what is wrong with the right side of a capture; nil is nothing.
local function check_capture(text)
  local source, what = text:match("^(%a+)%s+(.+)$")
  if not SOURCES[source] then return "begin with json, regex or header" end
  if source == "json" and not pcall(json.get, {}, what) then return "write a path such as data.items[0].id" end
  if source == "regex" and not pcall(re.match, what, "") then return "write a regular expression that is valid" end
end

function Steps:clean(values)
  for i, step in ipairs(values.steps or {}) do
    for name, text in pairs(step.captures or {}) do
      local problem = not name:find("^[%w_]+$") and "use letters, digits and _ for its name" or check_capture(text)
      if problem then return nil, { steps = ("In step %d, capture %s: %s."):format(i, name, problem) } end
    end
    if step.method == "HEAD" then
      for _, field in ipairs{ "text_match", "text_absent", "json_path" } do
        if (step[field] or "") ~= "" then
          return nil, { steps = ("In step %d, the answer to HEAD has no body: choose GET, or leave %s empty."):format(i, field) }
        end
      end
      for name, text in pairs(step.captures or {}) do
        if not text:find("^header%s") then
          return nil, { steps = ("In step %d, capture %s: the answer to HEAD has no body."):format(i, name) }
        end
      end
    end
    if (step.json_path or "") ~= "" and not pcall(json.get, {}, step.json_path) then
      return nil, { steps = ("In step %d, the JSON path is not one such as data.items[0].id."):format(i) }
    end
  end
  return values
end

local ESCAPES = { [""] = tostring, url = url.escape, json = function(text) return json.encode(text):sub(2, -2) end }

-- fill puts values in the place of {{name}}; it raises a table for one that there is not.
local function fill(text, variables)
  return (text:gsub("{{%s*([%w_]+)%s*|?%s*(%a*)%s*}}", function(name, escape)
    local value = variables[name]
    if not value then error({ text = "there is no variable " .. name }) end
    if not ESCAPES[escape] then error({ text = "there is no " .. escape .. " to escape with" }) end
    return ESCAPES[escape](value)
  end))
end

-- reads_body tells whether a step asks for anything in the body.
local function reads_body(step)
  if step.text_match ~= "" or step.text_absent ~= "" or step.json_path ~= "" then return true end
  for _, text in pairs(step.captures) do
    if not text:find("^header%s") then return true end
  end
  return false
end

-- prepare fills in a step: its request, and the value expected of it.
local function prepare(step, variables)
  local request = { method = step.method, url = fill(step.url, variables), headers = {}, redirects = step.follow_redirects }
  for name, value in pairs(step.headers) do request.headers[name] = fill(value, variables) end
  if step.body ~= "" then
    request.body = fill(step.body, variables)
    if not step.headers["Content-Type"] then request.headers["Content-Type"] = "application/x-www-form-urlencoded" end
  end
  if not reads_body(step) then request.max_body, request.body_timeout = 32768, 0.1 end -- to be shown with a failure
  return request, fill(step.json_value, variables)
end

local function accepted(list, status)
  for part in list:lower():gmatch("[^,%s]+") do
    if part == status or part:sub(2) == "xx" and part:sub(1, 1) == status:sub(1, 1) then return true end
  end
  return false
end

local function text_of(value) return type(value) == "table" and json.encode(value) or tostring(value) end

-- json_at returns the value at a path of a JSON body, or nil.
local function json_at(response, path)
  local body, problem = response:json{ null = "keep" }
  if problem then return nil end
  return json.get(body, path)
end

local TOO_LARGE = "Response body is larger than 1 MiB"

-- problem_of looks at a step's answer; nil is no problem. A body that cannot be
-- read is neither right nor wrong: unknown, the second value.
local function problem_of(step, response, expected)
  local status = tostring(response.status)
  if not accepted(step.status_code, status) then return "Wrong code: got " .. status .. " (expected " .. step.status_code .. ")" end
  if reads_body(step) and response.undecoded ~= "" then
    return "Response body cannot be read: " .. response.undecoded .. " is not known here", true
  end
  if step.text_match ~= "" and not re.match(step.text_match, response.body) then
    return response.truncated and TOO_LARGE or "Failed to find match regex /" .. step.text_match .. "/ in response body"
  end
  if step.text_absent ~= "" and re.match(step.text_absent, response.body) then
    return "Found match regex /" .. step.text_absent .. "/ in response body"
  end
  if response.truncated and (step.text_absent ~= "" or step.json_path ~= "") then return TOO_LARGE end
  if step.json_path ~= "" then
    local value = json_at(response, step.json_path)
    if value == nil then return "Failed to find JSON path " .. step.json_path .. " in response body" end
    if expected ~= "" and text_of(value) ~= expected and not (type(value) == "number" and value == tonumber(expected)) then
      return ("Wrong value at JSON path %s: got %s (expected %s)"):format(step.json_path, text_of(value):sub(1, 100), expected)
    end
  end
end

-- capture keeps what a step is asked to; it returns the problem, if any.
local function capture(step, response, variables)
  for name, text in pairs(step.captures) do
    local source, what = text:match("^(%a+)%s+(.+)$")
    local value
    if source == "json" then
      value = json_at(response, what)
    elseif source == "header" then
      value = response.headers[what]
    else
      local match = re.match(what, response.body)
      value = match and (match[1] or match[0])
    end
    if value == nil or value == json.null then return ("Failed to capture %s: %s"):format(name, text) end
    variables[name] = text_of(value)
  end
end

function Steps:run(check, result)
  local variables, total = {}, 0
  for name, value in pairs(check.variables) do variables[name] = value end
  local session = http.session{ verify = check.verify_ssl_certificate }
  for i, step in ipairs(check.steps) do
    local title = ("Step %d (%s): "):format(i, step.name)
    local fine, request, expected = pcall(prepare, step, variables)
    if not fine then
      if type(request) ~= "table" then error(request, 0) end
      result.unknown, result.error = true, title .. request.text
      return result
    end
    local response, problem = session:request(request)
    if not response then
      result.error = title .. "Request error occurred: " .. problem
      return result
    end
    total = total + response.timings.total
    result:metric(("%d %s"):format(i, step.name), response.timings.total, "s")
    problem, result.unknown = problem_of(step, response, expected)
    problem = problem or capture(step, response, variables)
    if problem then
      result.error, result.raw_data = title .. problem, response.body
      return result
    end
  end

  result:metric("total", total, { unit = "s", warn = check.warn_after, fail = check.fail_after })
  local limit = check.fail_after and total > check.fail_after and check.fail_after
  if not limit and check.warn_after and total > check.warn_after then limit, result.severity = check.warn_after, "WARNING" end
  if limit then
    result.error = ("All steps took %.3g s (more than %.3g s)"):format(total, limit)
  else
    result.succeeded = true
  end
  return result
end

function Steps:description(check)
  local names = {}
  for i, step in ipairs(check.steps) do names[i] = step.name end
  return "HTTP steps: " .. table.concat(names, ", ")
end

return Steps

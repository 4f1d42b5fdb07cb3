-- My check: requests a page and looks for a text in it.
local forms, http = require "forms", require "http"

---@type moonwatch.check_plugin
local MyCheck = {
  name = "My check", slug = "my_check", version = "0.1.0",
  summary = "Requests a page and looks for a text in it.",
  config_form = {
    forms.URLField{ "endpoint", help_text = "Page to request", placeholder = "https://example.org/health" },
    forms.CharField{ "text", help_text = "Text that must be in it" },
    forms.DurationField{ "warn_after", initial = "2s", help_text = "Warn when the answer takes longer" },
  },
}

---@param check moonwatch.check
---@param result moonwatch.result
function MyCheck:run(check, result)
  local response, problem = http.get(check.endpoint)
  if not response then
    result.error = "No answer: " .. problem
    return result
  end
  local took = response.timings.total
  result:metric("took", took, { unit = "s", warn = check.warn_after })
  if response.status ~= 200 then
    result.error = "Got status " .. response.status .. " (expected 200)"
  elseif not response.body:find(check.text, 1, true) then
    result.error = "The page does not hold the text " .. check.text
    result.raw_data = response.body
  elseif check.warn_after and took > check.warn_after then
    result.severity = "WARNING"
    result.error = ("The answer took %.3g s (more than %.3g s)"):format(took, check.warn_after)
  else
    result.succeeded = true
  end
  return result
end

---@param check moonwatch.check
function MyCheck:description(check)
  return "Look for " .. check.text .. " in " .. check.endpoint
end

return MyCheck

package programtest

import "strings"

// GoodCheck is a check plugin as it should be: a little work, a little I/O.
const GoodCheck = `local forms, http = require "forms", require "http"
local P = { name = "Good", slug = "good", version = "1", config_form = { forms.URLField{ "address", required = false } } }
function P:run(check, result)
  local words = {}
  for word in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = word:upper() end
  table.sort(words)
  result.succeeded = table.concat(words, " ") == "BROWN DOG FOX JUMPS LAZY OVER QUICK THE THE" and ("x"):rep(3) == "xxx"
  if check.address ~= "" then
    local response, problem = http.get(check.address)
    result.succeeded, result.error = response ~= nil and response.status == 200, problem or ""
  end
  return result
end
return P
`

// QuickCheck is a check plugin without I/O, of the slug quick, in a version.
func QuickCheck(version string) string {
	return `local forms = require "forms"
local P = { name = "Quick", slug = "quick", version = "` + version + `", config_form = { forms.IntegerField{ "n", initial = 1 } } }
function P:run(check, result)
  result.succeeded = check.n > 0
  return result
end
return P
`
}

// everyField is a check plugin with one field of every type, and its run tells
// what Lua sees of them.
const everyField = `local forms = require "forms"
local Every = {
  name = "Every", slug = "every", version = "VERSION",
  config_form = {
    forms.CharField{ "char", max_length = 20 },
    forms.IntegerField{ "integer", initial = 3, min_value = 1, max_value = 9 },
    forms.FloatField{ "float", initial = 0.5 },
    forms.BooleanField{ "boolean", initial = true },
    forms.ChoiceField{ "choice", choices = { { "a", "A" }, { "b", "B" } }, initial = "b" },
    forms.MultipleChoiceField{ "several", choices = { { "a", "A" }, { "b", "B" } }, required = false },
    forms.URLField{ "address", required = false },
    forms.EmailField{ "email", required = false },
    forms.SlugField{ "short", initial = "a-slug" },
    forms.RegexField{ "code", regex = "^[0-9]+$", initial = "42" },
    forms.PatternField{ "pattern", required = false },
    forms.GenericIPAddressField{ "ip", initial = "::1" },
    forms.HostField{ "host", initial = "localhost" },
    forms.PortField{ "port", initial = 8080 },
    forms.DurationField{ "patience", initial = "1m30s" },
    forms.DateTimeField{ "since", required = false },
    forms.JSONField{ "json", required = false },
    forms.KeyValueField{ "headers", required = false },
    forms.ListField{ "rows", fields = { forms.CharField{ "label" }, forms.IntegerField{ "n", initial = 7 } }, required = false },
    forms.CharField{ "secret", widget = forms.PasswordInput, required = false },
  },
}
function Every:run(check, result)
  result.message = table.concat({ check.char, check.integer, check.float, tostring(check.boolean), check.choice, #check.several,
    check.address, check.short, check.code, check.ip, check.host, check.port, check.patience, tostring(check.since),
    check.json and check.json.a or "none", check.headers["x-one"] or "none", #check.rows, check.rows[1] and check.rows[1].n or 0, #check.secret }, " ")
  result.succeeded = true
  return result
end
return Every
`

// EveryField is a check plugin of the slug every, in a version: it has one field of
// every type.
func EveryField(version string) string {
	return strings.Replace(everyField, "VERSION", version, 1)
}

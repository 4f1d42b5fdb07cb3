-- Domain expiry: when a domain's registration ends, as its registry says by RDAP.
--
-- The default server, rdap.org, redirects to the registry of each domain. Registries
-- limit how often they answer, so an answer is kept for 6 hours, and up to 3 days
-- while the registry cannot be asked; after that the result is unknown, as it is for
-- registries that publish no date.
--
-- Nothing but a registry can say that a domain is not registered: a 404 of the server
-- itself, before it redirected anywhere, says that it knows no registry of that kind of
-- domain, unless it has answered for such domains before (it is the registry then).
--
-- Messages: `Domain example.org expires in 12 days (fewer than 30)`, as WARNING below
-- warn_days and as failure below fail_days; `Domain example.org expired 2 days ago`;
-- `Domain example.org is not registered`; `Domain example.org is in redemption period`;
-- unknown: `No RDAP service is known for .de`; `www.example.org is no registered domain of
-- its own: enter example.org`.
local forms, http, log, store = require "forms", require "http", require "log", require "store"
local time, url = require "time", require "url"

local FRESH, KEPT = 6 * 3600, 3 * 86400 -- seconds

local Domain = {
  name = "Domain expiry", slug = "domain", version = "1.1.0", author = "Moonwatch",
  summary = "Warns before the registration of a domain ends.",
  font_icon = "fa fa-calendar",
  settings_form = {
    forms.URLField{ "server", initial = "https://rdap.org", help_text = "RDAP server to ask, without /domain/" },
  },
  config_form = {
    forms.RegexField{ "domain", max_length = 253, placeholder = "example.org",
      regex = "^\\s*([A-Za-z0-9_]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z0-9-]{2,}\\.?\\s*$",
      error_messages = { invalid = "Enter a domain such as example.org, in its xn-- form if it has other letters than these." },
      help_text = "Domain as it was registered, without www" },
    forms.IntegerField{ "warn_days", initial = 30, min_value = 0, max_value = 3650, unit = "days", help_text = "Warn when it expires in fewer days" },
    forms.IntegerField{ "fail_days", initial = 7, min_value = 0, max_value = 3650, unit = "days", help_text = "Fail when it expires in fewer days" },
  },
}

local function plain(domain) return domain:lower():match("^%s*(.-)%.?%s*$") end

-- other_than returns what to enter in place of a name below a registered domain, or nil.
local function other_than(domain)
  local registered = url.registrable_domain(domain)
  return registered ~= domain and registered or nil
end

function Domain:clean(values, form)
  local problems = {}
  if form == "config" and values.fail_days and values.warn_days and values.fail_days > values.warn_days then
    problems.fail_days = "Enter no more days than for the warning."
  end
  local other = form == "config" and values.domain and other_than(plain(values.domain))
  if other then problems.domain = ("Enter %s: that is the domain which is registered."):format(other) end
  if next(problems) then return nil, problems end
  return values
end

-- States in which a domain is lost, or about to be. Registries write them as RDAP does
-- ("redemption period") or as EPP does ("redemptionPeriod"), in any case.
local LOST = { redemptionperiod = "redemption period", pendingdelete = "pending delete", serverhold = "server hold", clienthold = "client hold" }

local function key_of(text) return type(text) == "string" and text:lower():gsub("[^%l]", "") or "" end

local function list_of(value) return type(value) == "table" and value or {} end

-- read_answer takes from an RDAP answer what is looked at: { expires, lost }.
local function read_answer(answer)
  local out = {}
  for _, event in ipairs(list_of(answer.events)) do
    if type(event) == "table" and key_of(event.eventAction) == "expiration" and type(event.eventDate) == "string" then
      out.expires = time.parse(event.eventDate)
    end
  end
  for _, status in ipairs(list_of(answer.status)) do
    out.lost = LOST[key_of(status)] or out.lost
  end
  return out
end

-- ask asks the registry. An answer is { expires, lost } or { missing = true }.
local function ask(server, domain)
  local base, tld = server:match("^(.-)/*$"), domain:match("[^.]*$")
  local asked = base .. "/domain/" .. domain
  local response, problem = http.get(asked, { headers = { Accept = "application/rdap+json, application/json" } })
  if not response then return nil, "The registry could not be asked: " .. problem end
  local redirected = response.url ~= asked
  if response.status == 404 then
    if redirected or store.shared.get("registry:" .. tld) == base then return { missing = true } end
    return nil, "No RDAP service is known for ." .. tld
  end
  if response.status ~= 200 then return nil, "The registry could not be asked: it answered " .. response.status end
  local answer, mistake = response:json()
  if type(answer) ~= "table" then return nil, "The registry's answer is not RDAP: " .. (mistake or "no object") end
  if not answer.events and not answer.ldhName then return nil, "The registry's answer is not RDAP" end
  if not redirected then store.shared.set("registry:" .. tld, base) end
  return read_answer(answer)
end

-- registration is ask with the answers that are kept.
local function registration(server, domain)
  local kept, now = store.get("answer"), time.now()
  if kept and kept.domain ~= domain then kept = nil end
  if kept and now - kept.at < FRESH then return kept.answer end
  local answer, problem = ask(server, domain)
  if answer then
    store.set("answer", { domain = domain, at = now, answer = answer }, KEPT)
  elseif kept and now - kept.at < KEPT then
    log.warn(problem .. "; its last answer is used")
    return kept.answer
  end
  return answer, problem
end

local function days(seconds)
  local n = math.floor(seconds / 86400)
  return n == 1 and "1 day" or n .. " days"
end

function Domain:run(check, result)
  local domain = plain(check.domain)
  local other = other_than(domain)
  if other then
    result.unknown, result.error = true, ("%s is no registered domain of its own: enter %s"):format(domain, other)
    return result
  end
  local answer, problem = registration(self.settings.server, domain)
  if not answer then
    result.unknown, result.error = true, problem
    return result
  elseif answer.missing then
    result.error = "Domain " .. domain .. " is not registered"
    return result
  elseif answer.lost then
    result.error = ("Domain %s is in %s"):format(domain, answer.lost)
    return result
  elseif not answer.expires then
    result.unknown, result.error = true, "The registry of " .. domain .. " says no date of expiry"
    return result
  end

  local left = answer.expires - time.now()
  result:metric("days_left", left / 86400, { unit = "days", warn = check.warn_days, fail = check.fail_days })
  if left <= 0 then
    result.error = ("Domain %s expired %s ago"):format(domain, days(-left))
  elseif left < check.warn_days * 86400 then
    local failed = left < check.fail_days * 86400
    if not failed then result.severity = "WARNING" end
    result.error = ("Domain %s expires in %s (fewer than %d)"):format(domain, days(left), failed and check.fail_days or check.warn_days)
  else
    result.succeeded, result.message = true, "Registered until " .. time.format(answer.expires, "%Y-%m-%d")
  end
  return result
end

function Domain:description(check)
  return "Registration of " .. check.domain
end

return Domain

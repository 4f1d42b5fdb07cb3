-- What the call and the SMS have in common: Twilio's REST API, and one send for each number.
local http = require "http"

local MOST = 15 * 60 -- seconds that Twilio may ask to wait
local PATIENCE = 15 -- seconds for an answer: others wait for their turn

local api = {}

-- Errors that trying again does not mend, and what they mean:
-- https://www.twilio.com/docs/api/errors. The codes are texts: a table with one large
-- number for a key would hold room for all numbers below it.
local HOPELESS = {
  ["21211"] = "it is no phone number", ["21214"] = "it cannot be called", ["21215"] = "the account may not call that country",
  ["21217"] = "it is no phone number", ["21408"] = "the account may not write to that country", ["21610"] = "its owner has opted out of messages",
  ["21612"] = "it cannot be reached from the sender's number", ["21614"] = "it is no mobile number",
  ["21219"] = "a trial account calls verified numbers only", ["21608"] = "a trial account writes to verified numbers only",
}

local ADVICE = {
  ["20003"] = "the account SID or the token is wrong", ["20404"] = "the account SID is wrong",
  ["21210"] = "the sender's number is not verified", ["21212"] = "the sender's number is no number of this account",
  ["21606"] = "the sender's number cannot send messages", ["20429"] = "too many requests",
}

-- problem_of says what is missing in the settings, or nil.
function api.problem_of(settings)
  if settings.sid == "" or settings.token == "" or settings.number == "" then
    return "The account SID, the token and the number must be set in the plugin's settings, or by TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_OUTGOING_NUMBER"
  end
end

-- post creates a resource; it returns true, or false, why, { retry or retry_after }.
function api.post(settings, resource, form)
  local address = "https://api.twilio.com/2010-04-01/Accounts/" .. settings.sid .. "/" .. resource .. ".json"
  local response, problem = http.post(address, { auth = { settings.sid, settings.token }, form = form, timeout = PATIENCE, redirects = false })
  if not response then return false, "Twilio could not be reached: " .. problem end
  if response.status == 201 or response.status == 200 then return true end
  local answer = response:json()
  if type(answer) ~= "table" then answer = {} end
  local code = tostring(answer.code)
  local what = HOPELESS[code] or ADVICE[code] or answer.message
  local why = "Twilio answered " .. response.status .. (what and ": " .. tostring(what) or "")
  if HOPELESS[code] then return false, why, { retry = false } end
  if answer.code then why = why .. " (error " .. code .. ")" end
  local wait = tonumber(response.headers["Retry-After"])
  return false, why, wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

-- each sends to every number of users once and marks those that were reached.
-- It returns what send_alert returns. Nothing is tried again if that is hopeless for all.
function api.each(service, users, send)
  local numbers, owners = {}, {}
  for _, user in ipairs(users) do
    local number = user.twilio_call_settings.phone_number
    if number ~= "" and not owners[number] then
      numbers[#numbers + 1], owners[number] = number, {}
    end
    if number ~= "" then table.insert(owners[number], user) end
  end
  if #numbers == 0 then return "skipped", "nobody whom this concerns has a phone number" end

  local failed, hopeless, wait = {}, true, nil
  for _, number in ipairs(numbers) do
    local sent, why, options = send(number, owners[number][1])
    if sent then
      for _, user in ipairs(owners[number]) do service:mark_sent(user) end
    else
      failed[#failed + 1] = owners[number][1].username .. ": " .. why
      hopeless = hopeless and options ~= nil and options.retry == false
      if options and options.retry_after then wait = math.max(wait or 0, options.retry_after) end
    end
  end
  if #failed == 0 then return true end
  return false, table.concat(failed, "; "), hopeless and { retry = false } or wait and { retry_after = wait } or nil
end

return api

-- What the plugins share that write to a chat through a webhook. They differ in their
-- markup, which a style says:
--
--   unit     what the receiver counts in, as of utf8.line
--   escape   takes what would be markup out of a text
--   link     makes a link of an address and a text, or the escaped text where the
--            address is none
--   strong   what stands before and after a status, such as "**"; "" for nothing
--   bullet   what begins the line of a check
--   remark   units that an acknowledgement's user and comment may take
--   error    units that a check's error may take
--   address  bytes that the address of a runbook may have; nil for those of url.link
local url, utf8 = require "url", require "utf8"

local chat = {}

local MOST = 15 * 60 -- seconds that a receiver may ask to wait

-- web_address is the `clean` of fields that hold a webhook's address.
function chat.web_address(value)
  if value:find("^https?://%S+$") then return value end
  return nil, "Enter a URL that begins with https://."
end

-- headline says what has happened, in one line.
function chat.headline(service, style)
  local name = (service.kind == "instance" and "Instance " or "Service ") .. style.link(service.incident_url, service.name)
  local kind, ack = service.alert_kind, service:unexpired_acknowledgement()
  if kind == "acknowledged" then
    local by = ack and " by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), style.remark, style.unit, style.escape) or ""
    return name .. " was acknowledged" .. by
  elseif kind == "unacknowledged" then
    return name .. " is no longer acknowledged"
  end
  local status = style.strong .. service.overall_status .. style.strong
  local text = name .. (service.overall_status == "PASSING" and " is back to normal" or " reporting " .. status .. " status")
  return kind == "test" and "Test: " .. text or text
end

-- checks gives a line for each failing check.
function chat.checks(service, style)
  local lines = {}
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = style.bullet .. style.link(check.page_url, check.name) .. " (" .. check.severity .. ")"
    if check.error ~= "" then lines[i] = lines[i] .. ": " .. utf8.line(check.error, style.error, style.unit, style.escape) end
    if url.link(check.runbook_link, style.address) ~= "" then lines[i] = lines[i] .. " " .. style.link(check.runbook_link, "Runbook") end
  end
  return lines
end

-- mentions joins what mention(user) gives for each user, nil for none, in so many units.
function chat.mentions(users, mention, room, style)
  local out = {}
  for _, user in ipairs(users) do out[#out + 1] = mention(user) end
  return (utf8.fit(out, room, { unit = style.unit, separator = " " }))
end

-- object is a table that came as JSON, or an empty one in place of anything else.
function chat.object(value) return type(value) == "table" and value or {} end

-- refusal is what send_alert returns for an answer that is none of those hoped for:
-- with the reason, where there is one, and the seconds that the receiver asks to wait,
-- which are those of Retry-After unless they are given.
function chat.refusal(who, response, what, wait)
  wait = wait or tonumber(response.headers["Retry-After"])
  return false, who .. " answered " .. response.status .. (what and ": " .. tostring(what) or ""),
    wait and wait > 0 and { retry_after = math.min(wait, MOST) } or nil
end

return chat

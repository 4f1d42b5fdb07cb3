-- What the plugins share that push short messages to phones: the texts, and an attempt
-- that reaches several, each of whom may fail.
local store, utf8 = require "store", require "utf8"

local push = {}

local MOST = 15 * 60 -- seconds that a receiver may ask to wait
local TWO_DAYS = 2 * 86400 -- longer than any delivery is tried

-- title fits into so many units (as of utf8.line).
function push.title(service, most, unit)
  local kind = service.alert_kind
  local function titled(before, after)
    return before .. utf8.line(service.name, most - utf8.len(before .. after, unit), unit) .. after
  end
  if kind == "acknowledged" then return titled("", " was acknowledged") end
  if kind == "unacknowledged" then return titled("", " is no longer acknowledged") end
  return titled(kind == "test" and "Test: " or "", service.overall_status == "PASSING" and " is back to normal" or ": " .. service.overall_status)
end

-- text says who acknowledged, and has a line for each failing check.
function push.text(service, most, unit)
  local lines, ack = {}, service:unexpired_acknowledgement()
  for i, check in ipairs(service:all_failing_checks()) do
    lines[i] = utf8.line(check.name, 100) .. (check.error ~= "" and ": " .. utf8.line(check.error, 200) or "")
  end
  local head = ack and "Acknowledged by " .. utf8.line(ack.user .. (ack.comment ~= "" and ": " .. ack.comment or ""), 200) or ""
  if #lines == 0 then return head ~= "" and head or service:get_status_message(false, most, unit) end
  if head ~= "" then head = head .. "\n" end
  return head .. utf8.fit(lines, most - utf8.len(head, unit), { unit = unit })
end

-- quiet holds for events that need not wake anybody.
function push.quiet(service)
  local kind = service.alert_kind
  return kind == "update" or kind == "deescalation" or kind == "acknowledged" or kind == "unacknowledged"
end

-- attempt collects what came of one attempt of a delivery.
function push.attempt(service)
  local attempt, failed, wait = { tried = 0 }, {}, nil

  -- note takes what one receiver answered: true, or false, why and the seconds that it
  -- asks to wait. It returns whether that was reached.
  function attempt.note(ok, why, seconds)
    attempt.tried = attempt.tried + 1
    if ok then return true end
    if failed[#failed] ~= why then failed[#failed + 1] = why end
    if seconds and seconds > 0 then wait = math.max(wait or 0, math.min(seconds, MOST)) end
    return false
  end

  -- common sends to what is nobody's own, once the users had theirs: that it was reached
  -- is remembered, lest a user who was not have it sent again.
  function attempt.common(send)
    local key = "sent:" .. service.delivery_id
    if store.get(key) then
      attempt.tried = attempt.tried + 1
    elseif attempt.note(send()) and #failed > 0 then
      store.set(key, true, TWO_DAYS)
    end
  end

  -- outcome is what send_alert returns.
  function attempt.outcome()
    if #failed == 0 then return true end
    return false, table.concat(failed, "; "), wait and { retry_after = wait } or nil
  end

  return attempt
end

return push

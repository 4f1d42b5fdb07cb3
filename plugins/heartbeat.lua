-- Heartbeat: passes while a job reports that it ran, and fails when it does not.
--
-- The job fetches the check's ping URL when it is done, or that URL with one of these
-- behind it: /start when it begins (its duration becomes a metric), /fail or /EXITCODE
-- when it ends, /log to note something (the body goes to the check's log). With ?rid=ID
-- runs that overlap are told apart. For example, in a crontab:
--   backup.sh; curl -fsS -m 10 --retry 3 https://moon.example.org/ping/TOKEN/$?
--
-- The job is late when period + grace have passed since the last end of a run, a failed
-- one included; a start alone puts nothing off. Time counts from the check's first run,
-- and from when the monitor started or the check was activated, at the earliest: what
-- was said before may have gone unheard. A paused check notes its pings.
--
-- Messages: `No ping for 1h 10m (expected every 1h)`, with `; the run that began 20m ago
-- has not ended` where there is one; `The job reported a failure`; `The job ended with
-- exit code 3`. What the job sent as body is raw_data.
local forms, log, store, time = require "forms", require "log", require "store", require "time"

local LINES = 20 -- of a body that are logged

local Heartbeat = {
  name = "Heartbeat", slug = "heartbeat", version = "1.1.0", author = "Moonwatch",
  summary = "Waits for the pings of a job that watches itself, and notices when they stay away.",
  font_icon = "fa fa-heartbeat",
  config_form = {
    forms.DurationField{ "period", min_value = 1, placeholder = "1h", help_text = "How often the job runs" },
    forms.DurationField{ "grace", initial = "1m", min_value = 0, help_text = "How much later than that a ping may come" },
  },
}

-- span writes a duration with its two largest units.
local function span(seconds)
  local parts, rest = {}, math.max(math.floor(seconds), 0)
  for _, unit in ipairs{ { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } } do
    local n = math.floor(rest / unit[2])
    rest = rest - n * unit[2]
    if n > 0 and #parts < 2 then parts[#parts + 1] = n .. unit[1] end
  end
  return #parts > 0 and table.concat(parts, " ") or "0s"
end

-- Runs that began are kept one a key, so that pings that come together do not
-- overwrite one another; "began" is the last of them, for the message.
local function start_key(ping) return "start:" .. ping.run_id end

local function begin(check, ping)
  local ttl = 2 * (check.period + check.grace) + 3600
  local kept, problem = store.set(start_key(ping), ping.at, ttl)
  if not kept then log.warn("The start of this run was not kept: " .. problem) end
  store.set("began", ping.at)
end

-- note logs the body, line by line. The log of a ping without a result is kept for the next one.
local function note(ping)
  local lines = 0
  for line in ping.body:gmatch("[^\r\n]+") do
    lines = lines + 1
    if lines > LINES then
      log.info("…")
      return
    end
    log.info(ping.kind .. ": " .. line)
  end
end

function Heartbeat:ping(check, ping, result)
  note(ping)
  if ping.kind == "log" then return nil end
  if ping.kind == "start" then
    begin(check, ping)
    return nil
  end

  local began = store.get(start_key(ping))
  if began then
    result:metric("duration", math.max(ping.at - began, 0), "s")
    store.delete(start_key(ping))
  end
  store.set("ended", ping.at)
  result.raw_data = ping.body
  if ping.kind == "fail" then
    result.error = "The job reported a failure"
  elseif ping.kind == "exit" and ping.code ~= 0 then
    result.error = ("The job ended with exit code %d"):format(ping.code)
  else
    result.succeeded = true
    result.message = began and "The job ended after " .. span(ping.at - began) or "The job reported that it ran"
  end
  return result
end

function Heartbeat:run(check, result)
  local now, ended = time.now(), store.get("ended")
  local since = ended or store.get("created")
  if not since then
    since = now
    store.set("created", now)
  end
  since = math.max(since, check.watched_since or 0)
  if now - since <= check.period + check.grace then return nil end -- in time: the last ping's result stands

  local problem = "No ping for " .. span(now - since)
  if not ended then problem = "No ping yet, for " .. span(now - since) end
  result.error = ("%s (expected every %s)"):format(problem, span(check.period))
  local began = store.get("began")
  if began and began > since then
    result.error = ("%s; the run that began %s ago has not ended"):format(result.error, span(now - began))
  end
  return result
end

function Heartbeat:description(check)
  return ("A ping every %s, at most %s late"):format(span(check.period), span(check.grace))
end

return Heartbeat

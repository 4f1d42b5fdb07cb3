local t = require "testing"

local START = 1772600000
local CONFIG = { period = "1h", grace = "10m" }

local function at(minutes) t.at(START + minutes * 60) end

return {
  test_in_time = function()
    at(0)
    t.is_true(t.ping(CONFIG, {}).succeeded)
    at(70)
    t.is_nil(t.run(CONFIG))
  end,

  test_late = function()
    at(0)
    t.ping(CONFIG, {})
    at(71)
    t.equal(t.run(CONFIG).error, "No ping for 1h 11m (expected every 1h)")
    t.is_true(t.ping(CONFIG, {}).succeeded)
    t.is_nil(t.run(CONFIG))
  end,

  test_unheard_time_is_not_late = function()
    at(0)
    t.ping(CONFIG, {})
    at(300) -- the monitor was down, or the check paused, until 4 minutes ago
    local since = { watched_since = START + 296 * 60 }
    t.is_nil(t.run(CONFIG, since))
    at(367)
    t.equal(t.run(CONFIG, since).error, "No ping for 1h 11m (expected every 1h)")
    t.is_true(t.ping(CONFIG, {}).succeeded)
    t.is_nil(t.run(CONFIG, since))
  end,

  test_unheard_before_the_first_ping = function()
    at(0)
    t.is_nil(t.run(CONFIG))
    at(100)
    t.is_nil(t.run(CONFIG, { watched_since = START + 90 * 60 }))
  end,

  test_long_bodies_are_cut = function()
    t.ping(CONFIG, { kind = "start", body = ("line\n"):rep(50) })
    t.equal(#t.log(), 21)
    t.equal(t.log()[1].message, "start: line")
  end,

  test_never_heard_of = function()
    at(0)
    t.is_nil(t.run(CONFIG))
    at(71)
    t.equal(t.run(CONFIG).error, "No ping yet, for 1h 11m (expected every 1h)")
  end,

  test_duration_of_each_run = function()
    at(0)
    t.is_nil(t.ping(CONFIG, { kind = "start", run_id = "a" }))
    at(1)
    t.is_nil(t.ping(CONFIG, { kind = "start", run_id = "b" }))
    at(3)
    t.equal(t.ping(CONFIG, { run_id = "a" }).metrics.duration.value, 180)
    t.equal(t.ping(CONFIG, { run_id = "b" }).metrics.duration.value, 120)
    t.is_nil(t.ping(CONFIG, {}).metrics.duration)
  end,

  test_failures = function()
    local result = t.ping(CONFIG, { kind = "fail", body = "disk full" })
    t.equal(result.error, "The job reported a failure")
    t.equal(result.raw_data, "disk full")
    t.equal(t.ping(CONFIG, { kind = "exit", code = 3 }).error, "The job ended with exit code 3")
    t.is_true(t.ping(CONFIG, { kind = "exit", code = 0 }).succeeded)
  end,

  test_log = function()
    t.is_nil(t.ping(CONFIG, { kind = "log", body = "halfway" }))
    t.equal(t.log()[1], { level = "info", message = "log: halfway" })
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ grace = "-1m" }
    t.is_nil(values)
    for _, field in ipairs{ "period", "grace" } do t.matches(errors[field], ".", field) end
  end,
}

-- Tests of my_check.lua: moonwatch plugin test my_check.lua
local t = require "testing"

local PAGE = "https://example.org/health"

local function run()
  return t.run{ endpoint = PAGE, text = "fine" }
end

return {
  test_text_is_there = function()
    t.http("GET", PAGE, { body = "all is fine", timings = { total = 0.25 } })
    local result = run()
    t.equal(result.error, "")
    t.is_true(result.succeeded)
    t.equal(result.metrics.took.value, 0.25)
  end,

  test_text_is_missing = function()
    t.http("GET", PAGE, { body = "nothing works" })
    local result = run()
    t.equal(result.succeeded, false)
    t.equal(result.error, "The page does not hold the text fine")
    t.equal(result.raw_data, "nothing works")
  end,

  test_wrong_status = function()
    t.http("GET", PAGE, { status = 503, body = "fine" })
    t.matches(run().error, "^Got status 503")
  end,

  test_no_answer = function()
    t.http("GET", PAGE, nil, "connection refused by example.org:443", "refused")
    t.equal(run().error, "No answer: connection refused by example.org:443")
  end,

  test_slow = function()
    t.http("GET", PAGE, { body = "fine", timings = { total = 3 } })
    local result = run()
    t.equal(result.severity, "WARNING")
    t.equal(result.error, "The answer took 3 s (more than 2 s)")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ endpoint = "not a URL", text = "fine" }
    t.is_nil(values)
    t.matches(errors.endpoint, "URL")
  end,

  test_description = function()
    t.equal(t.description{ endpoint = PAGE, text = "fine" }, "Look for fine in " .. PAGE)
  end,
}

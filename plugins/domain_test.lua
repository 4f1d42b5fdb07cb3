local t, time = require "testing", require "time"

local NOW, DAY = 1772600000, 86400

local function answer(left)
  return { json = { ldhName = "MOON.EXAMPLE", status = { "active" }, events = {
    { eventAction = "registration", eventDate = "1995-08-14T04:00:00Z" }, { eventAction = "expiration", eventDate = time.format(NOW + left) } } } }
end

local function run(reply, config)
  t.at(NOW)
  t.http("GET", "https://rdap.org/domain/moon.example", reply)
  config = config or {}
  config.domain = "Moon.Example"
  return t.run(config)
end

return {
  test_passes = function()
    local result = run(answer(90 * DAY))
    t.is_true(result.succeeded, result.error)
    t.equal(result.metrics.days_left.value, 90)
  end,

  test_expires_soon = function()
    local result = run(answer(12.5 * DAY))
    t.equal(result.error, "Domain moon.example expires in 12 days (fewer than 30)")
    t.equal(result.severity, "WARNING")
  end,

  test_expires_very_soon = function()
    local result = run(answer(12.5 * DAY), { fail_days = 20 })
    t.equal(result.error, "Domain moon.example expires in 12 days (fewer than 20)")
    t.is_nil(result.severity)
  end,

  test_not_registered = function()
    t.equal(run{ status = 404 }.error, "Domain moon.example is not registered")
  end,

  test_an_answer_is_kept = function()
    run(answer(90 * DAY))
    t.http("GET", "https://rdap.org/domain/moon.example", { status = 500 })
    t.at(NOW + 3600)
    t.is_true(t.run{ domain = "moon.example" }.succeeded)
    t.equal(#t.http_requests(), 1)
    t.at(NOW + 7 * 3600)
    t.is_true(t.run{ domain = "moon.example" }.succeeded)
    t.equal(#t.http_requests(), 2)
    t.equal(t.log()[1], { level = "warn", message = "The registry could not be asked: it answered 500; its last answer is used" })
    t.at(NOW + 4 * DAY)
    t.is_true(t.run{ domain = "moon.example" }.unknown)
  end,

  test_registry_is_down = function()
    t.http("GET", "https://rdap.org/domain/moon.example", nil, "timed out waiting for rdap.org:443", "timeout")
    local result = t.run{ domain = "moon.example" }
    t.is_true(result.unknown)
    t.equal(result.error, "The registry could not be asked: timed out waiting for rdap.org:443")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ domain = "https://moon.example" }
    t.is_nil(values)
    t.matches(errors.domain, "^Enter a domain such as example.org")
  end,
}

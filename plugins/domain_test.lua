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
    run(answer(90 * DAY)) -- this server is the registry of .example
    t.http("GET", "https://rdap.org/domain/gone.example", { status = 404 })
    local result = t.run{ domain = "gone.example" }
    t.equal(result.error, "Domain gone.example is not registered")
    t.equal(result.unknown, false)
  end,

  test_no_registry = function()
    local result = run{ status = 404 }
    t.is_true(result.unknown)
    t.equal(result.error, "No RDAP service is known for .example")
  end,

  test_lost_in_any_spelling = function()
    for _, status in ipairs{ "redemption period", "redemptionPeriod", "Redemption Period", "REDEMPTION_PERIOD" } do
      t.http("GET", "https://rdap.org/domain/moon.example", { json = { ldhName = "moon.example", status = { status, "inactive" } } })
      t.at(NOW + 10 * DAY * #t.http_requests())
      t.equal(t.run{ domain = "moon.example" }.error, "Domain moon.example is in redemption period")
    end
  end,

  test_name_below_a_domain = function()
    for name, want in pairs{ ["www.moon.example"] = "moon.example", ["a.b.moon.co.uk"] = "moon.co.uk", ["WWW.Moon.org."] = "moon.org" } do
      local values, errors = t.clean{ domain = name }
      t.is_nil(values)
      t.equal(errors, { domain = "Enter " .. want .. ": that is the domain which is registered." })
    end
    for _, name in ipairs{ "moon.co.uk", "moon.github.io", "co.uk", "github.io" } do
      t.equal(t.clean{ domain = name } ~= nil, name ~= "moon.github.io")
    end
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

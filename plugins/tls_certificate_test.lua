local t = require "testing"

local NOW, DAY = 1772600000, 86400

local function run(config, certificate)
  t.at(NOW)
  t.certificate("moon.example", config.port or 443, certificate)
  config.host = "moon.example"
  return t.run(config)
end

return {
  test_passes = function()
    local result = run({}, { not_after = NOW + 90 * DAY })
    t.is_true(result.succeeded, result.error)
    t.equal(result.metrics.days_left, { name = "days_left", value = 90, unit = "days", warn = 30, fail = 7 })
  end,

  test_expires_soon = function()
    local result = run({}, { not_after = NOW + 29.5 * DAY })
    t.equal(result.error, "Certificate expires in 29 days (fewer than 30)")
    t.equal(result.severity, "WARNING")
  end,

  test_expires_very_soon = function()
    local result = run({ port = 587, starttls = "smtp" }, { not_after = NOW + 1.5 * DAY })
    t.equal(result.error, "Certificate expires in 1 day (fewer than 7)")
    t.is_nil(result.severity)
  end,

  test_expired = function()
    t.equal(run({}, { not_after = NOW - 3 * DAY, verify_error = "expired" }).error, "Certificate expired 3 days ago")
  end,

  test_an_intermediate_ends_first = function()
    local answer = { not_after = NOW + 90 * DAY, expiry = { at = NOW + 5 * DAY, subject = "CN=Inter" } }
    local result = run({}, answer)
    t.equal(result.error, "Certificate CN=Inter expires in 5 days (fewer than 7)")
    t.equal(result.metrics.days_left.value, 5)
    t.equal(run({ warn_days = 4, fail_days = 3 }, answer).message, "Valid until " .. require("time").format(NOW + 5 * DAY, "%Y-%m-%d"))
  end,

  test_not_trusted = function()
    local answer = { not_after = NOW + 90 * DAY, verify_error = "the certificate is not valid for moon.example" }
    t.equal(run({}, answer).error, "Certificate is not trusted: the certificate is not valid for moon.example")
    t.is_true(run({ verify = false }, answer).succeeded)
  end,

  test_no_answer = function()
    t.certificate("moon.example", 443, nil, "connection refused by moon.example:443", "refused")
    t.equal(t.run{ host = "moon.example" }.error, "No certificate: connection refused by moon.example:443")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ port = 0, starttls = "xmpp" }
    t.is_nil(values)
    for _, field in ipairs{ "host", "port", "starttls" } do t.matches(errors[field], ".", field) end
    values, errors = t.clean{ host = "a", warn_days = 5 }
    t.is_nil(values)
    t.equal(errors, { fail_days = "Enter no more days than for the warning." })
  end,
}

local t = require "testing"

local URL = "https://shop.example/health"

local function run(config, fields)
  config.endpoint = config.endpoint or URL
  return t.run(config, fields)
end

return {
  test_passes = function()
    t.http("GET", URL, { body = "fine", timings = { dns = 0.01, connect = 0.02, tls = 0.03, first_byte = 0.05, total = 0.06 } })
    local result = run{}
    t.equal(result.error, "")
    t.is_true(result.succeeded)
    t.equal(result.metrics.total, { name = "total", value = 0.06, unit = "s" })
    t.equal(result.metrics.tls.value, 0.03)
    t.equal(#t.http_requests(), 1)
  end,

  test_kept_connection_has_no_connect_time = function()
    t.http("GET", URL, { timings = { total = 0.06 } })
    t.is_nil(run{}.metrics.connect)
  end,

  test_wrong_status = function()
    t.http("GET", URL, { status = 500, body = "oops" })
    local result = run{}
    t.equal(result.succeeded, false)
    t.equal(result.error, "Wrong code: got 500 (expected 200)")
    t.equal(result.raw_data, "oops")
  end,

  test_lists_and_classes_of_status = function()
    for list, passes in pairs{ ["204"] = true, ["2xx"] = true, ["200, 2XX"] = true, ["200,301"] = false, ["3xx"] = false } do
      t.http("GET", URL, { status = 204 })
      t.equal(run{ status_code = list }.succeeded, passes, list)
    end
  end,

  test_text = function()
    t.http("GET", URL, { body = "all systems go" })
    t.is_true(run{ text_match = "systems (go|run)" }.succeeded)
    t.equal(run{ text_match = "^go" }.error, "Failed to find match regex /^go/ in response body")
    t.equal(run{ text_absent = "go$" }.error, "Found match regex /go$/ in response body")
  end,

  test_json = function()
    t.http("GET", URL, { json = { data = { { state = "up", load = 2 } } } })
    t.is_true(run{ json_path = "data[0].state", json_value = "up" }.succeeded)
    t.is_true(run{ json_path = "data[0].load", json_value = "2.0" }.succeeded)
    t.is_true(run{ json_path = "data[0].state" }.succeeded)
    t.equal(run{ json_path = "data[0].state", json_value = "down" }.error, "Wrong value at JSON path data[0].state: got up (expected down)")
    t.equal(run{ json_path = "data[1].state" }.error, "Failed to find JSON path data[1].state in response body")
  end,

  test_json_that_is_none = function()
    t.http("GET", URL, { body = "<html>" })
    t.matches(run{ json_path = "a" }.error, "^Response body is not JSON")
  end,

  test_no_answer = function()
    t.http("GET", URL, nil, "connection refused by shop.example:443", "refused")
    t.equal(run{}.error, "Request error occurred: connection refused by shop.example:443")
  end,

  test_redirects = function()
    t.http("GET", URL, { status = 302, headers = { Location = "/login" } })
    t.http("GET", "https://shop.example/login", { body = "who are you?" })
    t.is_true(run{}.succeeded)
    t.equal(run{ follow_redirects = false }.error, "Wrong code: got 302 (expected 200)")
  end,

  test_speed = function()
    t.http("GET", URL, { timings = { total = 1.5 } })
    local result = run{ warn_after = "1s", fail_after = "2s" }
    t.equal(result.severity, "WARNING")
    t.equal(result.error, "Response took 1.5 s (more than 1 s)")
    t.equal(result.metrics.total, { name = "total", value = 1.5, unit = "s", warn = 1, fail = 2 })
    result = run{ fail_after = "1s" }
    t.equal(result.succeeded, false)
    t.is_nil(result.severity)
  end,

  test_certificate = function()
    local now = 1767225600 -- 2026-01-01
    t.at(now)
    t.http("GET", URL, { tls = { not_after = now + 5 * 86400 } })
    local result = run{ certificate_days = 14 }
    t.equal(result.severity, "WARNING")
    t.equal(result.error, "Certificate expires in 5 days (fewer than 14)")
    t.is_true(run{ certificate_days = 3 }.succeeded)
    t.at(now + 6 * 86400)
    t.equal(run{ certificate_days = 3 }.error, "Certificate has expired")
  end,

  test_certificates_of_all_hops = function()
    local now = 1767225600
    t.at(now)
    t.http("GET", URL, { status = 302, headers = { Location = "https://login.example/" }, tls = { not_after = now + 5 * 86400 } })
    t.http("GET", "https://login.example/", { tls = { not_after = now + 90 * 86400, expiry = { at = now + 30 * 86400, subject = "CN=Inter" } } })
    t.equal(run{ certificate_days = 14 }.error, "Certificate of shop.example expires in 5 days (fewer than 14)")
    t.http("GET", "http://shop.example/", { status = 302, headers = { Location = "https://login.example/" } })
    t.is_true(run{ endpoint = "http://shop.example/", certificate_days = 14 }.succeeded)
    local result = run{ endpoint = "http://shop.example/", certificate_days = 60 }
    t.equal(result.error, "Certificate CN=Inter of login.example expires in 30 days (fewer than 60)")
    t.equal(result.severity, "WARNING")
  end,

  test_no_certificate_is_told = function()
    t.http("GET", "http://shop.example/", {})
    local result = run{ endpoint = "http://shop.example/", certificate_days = 14 }
    t.is_true(result.succeeded)
    t.matches(result.message, "^No certificate was looked at")
    t.equal(run{ endpoint = "http://shop.example/" }.message, "")
  end,

  test_a_body_that_nobody_asks_for = function()
    t.http("GET", URL, { body = ("x"):rep(1.5 * 1024 * 1024) })
    t.is_true(run{}.succeeded)
    t.equal(run{ text_match = "y" }.error, "Response body is larger than 1 MiB")
    t.http("GET", "https://shop.example/br", { body = "\1\2", undecoded = "br" })
    t.is_true(run{ endpoint = "https://shop.example/br" }.succeeded)
    local result = run{ endpoint = "https://shop.example/br", text_absent = "broken" }
    t.equal(result.error, "Response body cannot be read: br is not known here")
    t.is_true(result.unknown)
  end,

  test_what_can_never_hold = function()
    for field, value in pairs{ text_match = "a", text_absent = "a", json_path = "a" } do
      local values, errors = t.clean{ endpoint = URL, method = "HEAD", [field] = value }
      t.is_nil(values, field)
      t.matches(errors[field], "HEAD", field)
    end
    local values, errors = t.clean{ endpoint = "http://shop.example/", follow_redirects = false, certificate_days = 3 }
    t.is_nil(values)
    t.matches(errors.certificate_days, "no certificate")
    values, errors = t.clean{ endpoint = URL, json_path = "a..b[" }
    t.is_nil(values)
    t.matches(errors.json_path, "Enter a path")
    values, errors = t.clean{ endpoint = URL, max_size = 9 }
    t.is_nil(values)
    t.matches(errors.max_size, "8")
    t.http("GET", URL, { body = "x" })
    for size = 1, 8 do t.is_true(run{ text_match = "x", max_size = size }.succeeded, size) end
  end,

  test_what_is_sent = function()
    t.settings{ user_agent = "Moon/1" }
    t.http("POST", URL, {})
    t.is_true(run{ method = "POST", body = "ping", headers = "X-Team: shop", username = "ada", password = "lovelace",
      verify_ssl_certificate = false }.succeeded)
    local request = t.http_requests()[1]
    t.equal(request.body, "ping")
    t.equal(request.headers["x-team"], "shop")
    t.equal(request.headers["user-agent"], "Moon/1")
    t.equal(request.auth, { "ada", "lovelace" })
    t.equal(request.verify, false)
  end,

  test_user_agent_from_the_environment = function()
    t.setenv("HTTP_USER_AGENT", "Moon/2")
    t.http("GET", URL, {})
    run{}
    t.equal(t.http_requests()[1].headers["User-Agent"], "Moon/2")
  end,

  test_a_password_is_not_shown = function()
    t.http("GET", URL, { status = 500, body = "wrong password: lovelace" })
    t.equal(run{ username = "ada", password = "lovelace" }.raw_data, "wrong password: ***")
  end,

  test_bad_configuration = function()
    for field, value in pairs{ endpoint = "shop", status_code = "20", text_match = "(", certificate_days = 0, warn_after = "soon" } do
      local config = { endpoint = URL }
      config[field] = value
      local values, errors = t.clean(config)
      t.is_nil(values, field)
      t.matches(errors[field], ".", field)
    end
  end,

  test_description = function()
    t.equal(t.description{ endpoint = URL, status_code = "2xx" }, "Status Code 2xx from " .. URL)
  end,
}

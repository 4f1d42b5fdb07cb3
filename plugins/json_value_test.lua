local t = require "testing"

local URL = "http://elastic.example:9200/_search"

local function run(reply, config)
  t.http(config.method or "GET", URL, reply)
  config.endpoint, config.path = URL, config.path or "hits.total.value"
  return t.run(config)
end

local HITS = { json = { hits = { total = { value = 120 } }, list = { { "x", 7.5 } } } }

return {
  test_passes = function()
    local result = run(HITS, { fail = 120, unit = "hits" })
    t.is_true(result.succeeded, result.error)
    t.equal(result.message, "hits.total.value is 120 hits")
    t.equal(result.metrics[1], { name = "hits.total.value", value = 120, unit = "hits", fail = 120 })
  end,

  test_two_thresholds = function()
    local result = run(HITS, { warn = 100, fail = 200 })
    t.equal(result.error, "hits.total.value is 120 (> 100)")
    t.equal(result.severity, "WARNING")
    result = run(HITS, { warn = 100, fail = 110 })
    t.equal(result.error, "hits.total.value is 120 (> 110)")
    t.is_nil(result.severity)
  end,

  test_a_place_in_a_list = function()
    t.equal(run(HITS, { path = "list[0][1]", comparison = "<", fail = 8 }).error, "list[0][1] is 7.5 (< 8)")
  end,

  test_no_number_does_not_pass = function()
    local result = run(HITS, { path = "hits.total", fail = 1 })
    t.is_true(result.unknown)
    t.equal(result.error, "There is no number at hits.total")
    t.http("GET", URL, { body = "<html>" })
    t.is_true(t.run{ endpoint = URL, path = "a", fail = 1 }.unknown)
  end,

  test_request = function()
    t.is_true(run(HITS, { method = "POST", body = "{}", fail = 500, username = "ada", password = "enigma" }).succeeded)
    local request = t.http_requests()[1]
    t.equal(request.headers["content-type"], "application/json")
    t.equal(request.auth, { "ada", "enigma" })
  end,

  test_endpoint_is_down = function()
    t.equal(run({ status = 503 }, { fail = 1 }).error, "Wrong code: got 503 (expected 2xx)")
    t.http("GET", URL .. "2", nil, "connection refused", "refused")
    local result = t.run{ endpoint = URL .. "2", path = "a", fail = 1 }
    t.equal(result.error, "Request error occurred: connection refused")
    t.equal(result.unknown, false)
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ endpoint = "elastic", path = "a..b" }
    t.is_nil(values)
    t.matches(errors.endpoint, ".")
    t.equal(errors.path, "Enter a path such as data.items[0].value.")
  end,
}

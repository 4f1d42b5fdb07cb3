local t = require "testing"

local URL = "http://prom.example:9090/api/v1/query"

local function answer(...)
  local list = {}
  for i, value in ipairs{ ... } do list[i] = { metric = { __name__ = "load", host = "h" .. i }, value = { 1435781451.781, value } } end
  return { json = { status = "success", data = { resultType = "vector", result = list } } }
end

local function run(reply, config)
  t.http("POST", URL, reply)
  config = config or {}
  config.server, config.query, config.fail = "http://prom.example:9090/", "load", config.fail or 90
  return t.run(config)
end

return {
  test_passes = function()
    local result = run(answer("12.5", "90"))
    t.is_true(result.succeeded, result.error)
    t.equal(result.metrics["load{host=h2}"], { name = "load{host=h2}", value = 90, fail = 90 })
    t.equal(t.http_requests()[1].body, "query=load")
  end,

  test_fails = function()
    t.equal(run(answer("12.5", "95")).error, "load{host=h2} is 95 (> 90)")
  end,

  test_warns = function()
    local result = run(answer("50"), { warn = 40 })
    t.equal(result.error, "load{host=h1} is 50 (> 40)")
    t.equal(result.severity, "WARNING")
  end,

  test_empty = function()
    t.is_true(run(answer()).unknown)
    t.is_true(run(answer(), { on_empty = "pass" }).succeeded)
    local result = run(answer(), { on_empty = "fail" })
    t.equal(result.error, "No series for load")
    t.equal(result.unknown, false)
  end,

  test_NaN_is_no_value = function()
    t.equal(run(answer("NaN")).error, "No series for load")
  end,

  test_refused_query = function()
    local result = run{ status = 400, json = { status = "error", error = "parse error" } }
    t.is_true(result.unknown)
    t.equal(result.error, "Prometheus refused the query: parse error")
  end,

  test_prometheus_is_down = function()
    t.http("POST", URL, nil, "timed out waiting for prom.example:9090", "timeout")
    local result = t.run{ server = "http://prom.example:9090", query = "load", fail = 1 }
    t.is_true(result.unknown)
    t.equal(result.error, "Prometheus could not be asked: timed out waiting for prom.example:9090")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ server = "prom" }
    t.is_nil(values)
    for _, field in ipairs{ "server", "query" } do t.matches(errors[field], ".", field) end
    values, errors = t.clean{ server = "http://prom", query = "load" }
    t.is_nil(values)
    t.equal(errors, { fail = "Enter a value to warn or to fail at." })
  end,
}

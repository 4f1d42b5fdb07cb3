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

  test_partial = function()
    local empty = answer()
    empty.json.warnings = { "receive series from store-1: connection refused" }
    for _, on_empty in ipairs{ "pass", "fail", "unknown" } do
      local result = run(empty, { on_empty = on_empty })
      t.is_true(result.unknown)
      t.equal(result.error, "No series for load, but the answer may be partial: receive series from store-1: connection refused")
    end
    local some = answer("5")
    some.json.warnings = { "store-1 is away" }
    local result = run(some)
    t.equal(result.message, "load{host=h1} is 5, but the answer may be partial: store-1 is away")
    t.equal(result.log[1], { level = "warn", message = "Prometheus warns: store-1 is away" })
  end,

  test_redirect_keeps_the_query = function()
    for _, status in ipairs{ 301, 302, 303, 307, 308 } do
      t.http("POST", URL, { status = status, headers = { Location = "/prom/api/v1/query" } })
      t.http("POST", "http://prom.example:9090/prom/api/v1/query", answer("5"))
      local result = t.run{ server = "http://prom.example:9090", query = "load", fail = 9, headers = "X-Scope-OrgID: moon", username = "ada", password = "sesame" }
      t.is_true(result.succeeded, result.error)
      local last = t.http_requests()[#t.http_requests()]
      t.equal(last.body, "query=load")
      t.equal(last.headers["X-Scope-Orgid"], "moon")
    end
  end,

  test_redirect_elsewhere = function()
    t.http("POST", URL, { status = 302, headers = { Location = "https://login.example/?back=x" } })
    t.http("POST", "https://login.example/?back=x", { body = "<html>" })
    local result = t.run{ server = "http://prom.example:9090", query = "load", fail = 9, headers = "X-Scope-OrgID: moon", username = "ada", password = "sesame" }
    t.is_true(result.unknown)
    t.matches(result.error, "^The answer is not that of Prometheus \\(it redirected to https://login.example/\\)")
    local last = t.http_requests()[2]
    t.is_nil(last.headers.Authorization)
    t.is_nil(last.headers["X-Scope-Orgid"])
  end,

  test_get_where_post_is_not_allowed = function()
    for _, status in ipairs{ 405, 501 } do
      t.http("POST", URL, { status = status })
      t.http("GET", URL .. "?query=load", answer("5"))
      t.is_true(t.run{ server = "http://prom.example:9090", query = "load", fail = 9 }.succeeded)
    end
  end,

  test_redirects_for_ever = function()
    t.http("POST", URL, { status = 301, headers = { Location = URL } })
    t.equal(t.run{ server = "http://prom.example:9090", query = "load", fail = 9 }.error,
      "Prometheus could not be asked: it redirects again and again, at last to " .. URL)
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

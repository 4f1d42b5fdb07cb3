local t = require "testing"

local URL = "https://graphite.example/render?target=stats.*.load&format=json&from=-10minute"

local function series(target, ...)
  local points = {}
  for i, value in ipairs{ ... } do points[i] = { value, 1387817360 + 10 * i } end
  return { target = target, datapoints = points }
end

local function run(config, answer)
  t.settings{ api = "https://graphite.example/" }
  t.http("GET", URL, answer)
  for name, value in pairs{ metric = "stats.*.load", check_type = ">", value = 9 } do
    if config[name] == nil then config[name] = value end
  end
  return t.run(config)
end

local TWO = { json = { series("stats.web1.load", 1, 2), series("stats.web2.load", 9.5, 3) } }

return {
  test_passes = function()
    local result = run({ value = 10 }, TWO)
    t.is_true(result.succeeded, result.error)
    t.equal(result.metrics.web2, { name = "web2", value = 3, fail = 10 })
  end,

  test_crosses = function()
    t.equal(run({}, TWO).error, "web2: 9.5 > 9.0")
    t.is_true(run({ allowed_num_failures = 1 }, TWO).succeeded)
  end,

  test_hosts_missing = function()
    t.equal(run({ expected_num_hosts = 3 }, TWO).error, "Hosts missing | 2/3 hosts")
  end,

  test_no_data_does_not_pass = function()
    local result = run({}, { body = '[{"target":"a","datapoints":[[null,1]]}]' })
    t.is_true(result.unknown)
    t.equal(result.error, "No data for stats.*.load since -10minute")
  end,

  test_graphite_is_down = function()
    t.settings{ api = "https://graphite.example" }
    t.http("GET", URL, nil, "connection refused by graphite.example:443", "refused")
    local result = t.run{ metric = "stats.*.load", check_type = ">", value = 9 }
    t.is_true(result.unknown)
    t.equal(result.error, "Error fetching from Graphite: connection refused by graphite.example:443")
    t.is_true(run({}, { status = 502 }).unknown)
  end,

  test_environment = function()
    t.equal(t.run{ metric = "m", check_type = "<", value = 1 }.error, "GRAPHITE_API is not set")
    t.setenv("GRAPHITE_API", "http://g.example/")
    t.setenv("GRAPHITE_USER", "ada")
    t.setenv("GRAPHITE_PASS", "enigma")
    t.setenv("GRAPHITE_FROM", "-1h")
    t.http("GET", "http://g.example/render?target=m&format=json&from=-1h", TWO)
    t.is_true(t.run{ metric = "m", check_type = "<", value = 1 }.succeeded)
    t.equal(t.http_requests()[1].auth, { "ada", "enigma" })
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ check_type = "=>", value = "many" }
    t.is_nil(values)
    for _, field in ipairs{ "metric", "check_type", "value" } do t.matches(errors[field], ".", field) end
  end,
}

local t = require "testing"

local INSTANCES = { { name = "one", address = "192.0.2.1" }, { name = "none" }, { name = "two", address = "two.example" } }

local function run(config, instances)
  return t.run(config, { instance_set = instances or INSTANCES })
end

return {
  test_all_answer = function()
    t.icmp("192.0.2.1", { avg = 0.002 })
    t.icmp("two.example", { avg = 0.004 })
    local result = run{}
    t.is_true(result.succeeded, result.error)
    t.equal(result.metrics["one rtt"].value, 0.002)
    t.equal(result.metrics["two loss"], { name = "two loss", value = 0, unit = "%", fail = 0, min = 0, max = 100 })
  end,

  test_loss = function()
    t.icmp("192.0.2.1", {})
    t.icmp("two.example", { sent = 4, received = 3 })
    local result = run{ count = 4, max_loss = 10 }
    t.equal(result.succeeded, false)
    t.equal(result.error, "two (two.example): 25 % of 4 packets lost (more than 10 %)")
    t.is_true(run{ count = 4, max_loss = 30 }.succeeded)
  end,

  test_no_reply = function()
    t.icmp("192.0.2.1", { received = 0 })
    t.icmp("two.example", nil, "two.example does not exist", "dns")
    local result = run{}
    t.equal(result.error, "one (192.0.2.1): no reply to 3 packets; two (two.example): two.example does not exist")
    t.is_nil(result.metrics["one rtt"])
  end,

  test_slow = function()
    t.icmp("192.0.2.1", { avg = 0.25 })
    t.equal(run({ max_rtt = "100ms" }, { INSTANCES[1] }).error, "one (192.0.2.1): mean round trip 250 ms (more than 100 ms)")
  end,

  test_may_not_ping = function()
    t.icmp("192.0.2.1", nil, "this process may not send pings", "denied")
    local result = run({}, { INSTANCES[1] })
    t.is_true(result.unknown)
    t.equal(result.error, "one (192.0.2.1): this process may not send pings")
  end,

  test_nothing_to_ping = function()
    local result = run({}, { INSTANCES[2] })
    t.is_true(result.unknown)
    t.matches(result.error, "^No instance with an address")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ count = 0, packet_size = 2000, max_loss = 101 }
    t.is_nil(values)
    for _, field in ipairs{ "count", "packet_size", "max_loss" } do t.matches(errors[field], ".", field) end
  end,

  test_description = function()
    t.equal(t.description({}, { instance_set = INSTANCES }), "ICMP check pointing towards 192.0.2.1, none, two.example")
    t.equal(t.description{}, "ICMP check without an instance")
  end,
}

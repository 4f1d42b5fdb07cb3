local t = require "testing"

local function run(config)
  config.hostname = config.hostname or "www.example"
  return t.run(config)
end

return {
  test_passes = function()
    t.dns("www.example", "A", { "192.0.2.1", "192.0.2.2" })
    t.equal(run{}.message, "192.0.2.1, 192.0.2.2")
    t.is_true(run{ expected = "192.0.2.2, 192.0.2.1", exact = true }.succeeded)
  end,

  test_missing_and_unexpected = function()
    t.dns("www.example", "A", { "192.0.2.1" })
    local result = run{ expected = "192.0.2.1\n192.0.2.9" }
    t.equal(result.error, "Missing from the A records of www.example: 192.0.2.9 (got 192.0.2.1)")
    t.equal(result.raw_data, "A 300 192.0.2.1")
    t.dns("two.example", "A", { "192.0.2.1", "192.0.2.2" })
    t.equal(run{ hostname = "two.example", expected = "192.0.2.1", exact = true }.error, "Unexpected in the A records of two.example: 192.0.2.2")
  end,

  test_preference = function()
    t.dns("example", "MX", { { value = "Mail.example", preference = 10 } })
    t.is_true(run{ hostname = "example", record_type = "MX", expected = "10 mail.example." }.succeeded)
    t.is_true(run{ hostname = "example", record_type = "MX", expected = "mail.example" }.succeeded)
    t.equal(run{ hostname = "example", record_type = "MX", expected = "20 mail.example" }.succeeded, false)
  end,

  test_one_form = function()
    for kind, pair in pairs{
      AAAA = { "2001:0db8:0:0:0:0:0:1", "2001:db8::1" }, CNAME = { "Mail.Example.", "mail.example" }, NS = { "ns.m\195\188nchen.test", "ns.xn--mnchen-3ya.test" },
      TXT = { "v=spf1 -all", "v=spf1 -all" }, SRV = { "0 5060 SIP.example.", "0 5060 sip.example" }, CAA = { '0 issue "ca.example"', '0 issue "ca.example"' },
    } do
      t.dns(kind .. ".example", kind, { pair[2] })
      local result = run{ hostname = kind .. ".example", record_type = kind, expected = pair[1], exact = true }
      t.equal(result.error, "", kind)
    end
    t.dns("txt.example", "TXT", { "A" })
    t.equal(run{ hostname = "txt.example", record_type = "TXT", expected = "a" }.succeeded, false)
    t.dns("m\195\188nchen.test", "A", { "192.0.2.1" })
    t.is_true(run{ hostname = "xn--mnchen-3ya.test" }.succeeded)
  end,

  test_preference_is_shown = function()
    t.dns("example", "MX", { { value = "mail.example", preference = 20 } })
    local result = run{ hostname = "example", record_type = "MX", expected = "10 mail.example" }
    t.equal(result.error, "Missing from the MX records of example: 10 mail.example (got 20 mail.example)")
  end,

  test_no_record = function()
    t.dns("www.example", "A", {})
    t.equal(run{}.error, "No A record for www.example")
  end,

  test_no_name = function()
    t.dns("www.example", "A", nil, "no such name: www.example", "dns")
    t.equal(run{}.error, "no such name: www.example")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ record_type = "AXFR" }
    t.is_nil(values)
    for _, field in ipairs{ "hostname", "record_type" } do t.matches(errors[field], ".", field) end
  end,
}

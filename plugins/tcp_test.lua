local t = require "testing"

local function run(config)
  config.host, config.port = "mail.example", 25
  return t.run(config)
end

return {
  test_connects = function()
    t.tcp("mail.example", 25, {})
    local result = run{}
    t.is_true(result.succeeded)
    t.equal(result.metrics.connect.unit, "s")
  end,

  test_greeting = function()
    t.tcp("mail.example", 25, { { "", "220 mail.example ESMTP\r\n" } })
    t.is_true(run{ expect = "^220 " }.succeeded)
  end,

  test_dialogue = function()
    t.tcp("mail.example", 25, { { "PING\r\n", "+PONG\r\n" } })
    t.is_true(run{ send = "PING\\r\\n", expect = "PONG" }.succeeded)
  end,

  test_escapes = function()
    t.tcp("mail.example", 25, { { "\1\\\t!", "\255" } })
    t.is_true(run{ send = "\\x01\\\\\\t!", expect = "." }.succeeded)
  end,

  test_judged_at_the_end_of_a_line = function()
    t.tcp("mail.example", 25, { { "", "OKAY but degraded\r\n", close = true } })
    t.tcp("mail.example", 25, { { "", "status=12 FAILED\n", close = true } })
    t.tcp("mail.example", 25, { { "", "hello\r\nOK\r\n" } })
    t.tcp("mail.example", 25, { { "", "OK" , close = true } })
    t.equal(run{ expect = "^OK$" }.succeeded, false)
    t.equal(run{ expect = "^status=1$" }.succeeded, false)
    t.is_true(run{ expect = "(?m)^OK$" }.succeeded)
    t.is_true(run{ expect = "^OK$" }.succeeded)
  end,

  test_cut_answer = function()
    t.tcp("mail.example", 25, { { "", "x" .. ("1"):rep(5000) } })
    t.tcp("mail.example", 25, { { "", "x" .. ("1"):rep(5000) } })
    t.equal(run{ expect = "^x1+$" }.succeeded, false)
    t.is_true(run{ expect = "^x1" }.succeeded)
  end,

  test_wrong_answer = function()
    t.tcp("mail.example", 25, { { "", "554 no\r\n", close = true } })
    local result = run{ expect = "^220 " }
    t.equal(result.error, "Failed to find match regex /^220 / in answer: connection closed before more")
    t.equal(result.raw_data, "554 no\r\n")
  end,

  test_no_answer = function()
    t.tcp("mail.example", 25, { { "never sent", "" } })
    t.equal(run{ expect = "^220 " }.error, "No answer from mail.example:25: timed out waiting for one")
  end,

  test_closed_at_once = function()
    t.tcp("mail.example", 25, {})
    t.equal(run{ expect = "^220 " }.error, "No answer from mail.example:25: connection closed before one")
  end,

  test_connection_fails = function()
    t.tcp("mail.example", 25, nil, "connection refused by mail.example:25", "refused")
    t.tcp("mail.example", 25, nil, "timed out waiting for mail.example:25", "timeout")
    t.tcp("mail.example", 25, nil, "mail.example does not exist", "dns")
    t.equal(run{}.error, "Connection refused by mail.example:25")
    t.equal(run{}.error, "Connection to mail.example:25 timed out")
    t.equal(run{}.error, "Connection to mail.example:25 failed: mail.example does not exist")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ host = "not a host", port = 70000, expect = "(" }
    t.is_nil(values)
    for _, field in ipairs{ "host", "port", "expect" } do t.matches(errors[field], ".", field) end
  end,

  test_description = function()
    t.equal(t.description{ host = "mail.example", port = 25, expect = "^220 " }, "TCP port 25 of mail.example answers /^220 /")
    t.equal(t.description{ host = "mail.example", port = 465, tls = true }, "TLS port 465 of mail.example")
  end,
}

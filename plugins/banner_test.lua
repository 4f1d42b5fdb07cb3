local t = require "testing"

local function run(protocol, config)
  config = config or {}
  config.protocol, config.host = protocol, "mail.example"
  return t.run(config)
end

return {
  test_smtp = function()
    t.tcp("mail.example", 25, { { "", "220-welcome\r\n220 mail.example\r\n" }, { "EHLO moonwatch\r\n", "250-mail.example\r\n250 STARTTLS\r\n" }, { "QUIT\r\n" } })
    local result = run("smtp", { expect = "STARTTLS" })
    t.is_true(result.succeeded, result.error)
    t.equal(result.raw_data, "220-welcome\n220 mail.example\n> EHLO moonwatch\n250-mail.example\n250 STARTTLS\n> QUIT")
    t.equal(result.metrics.dialogue.unit, "s")
  end,

  test_imap = function()
    t.tcp("mail.example", 993, { { "", "* OK ready\r\n" }, { "a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1\r\na1 OK done\r\n" }, { "a2 LOGOUT\r\n" } })
    t.equal(run("imap", { tls = true }).message, "* OK ready")
  end,

  test_ssh = function()
    t.tcp("mail.example", 22, { { "", "be good\r\nSSH-2.0-OpenSSH_9.2\r\n" }, { "SSH-2.0-moonwatch\r\n" } })
    t.equal(run("ssh").message, "SSH-2.0-OpenSSH_9.2")
  end,

  test_ftp = function()
    t.tcp("mail.example", 2121, { { "", "220-hello\r\n there\r\n220 ready\r\n" }, { "QUIT\r\n" } })
    t.equal(run("ftp", { port = 2121 }).message, "220 ready")
  end,

  test_unexpected = function()
    t.tcp("mail.example", 25, { { "", "554 go away\r\n" } })
    t.equal(run("smtp").error, "Unexpected greeting: 554 go away")
    t.tcp("mail.example", 21, { { "", "HTTP/1.1 400 Bad Request\r\n" } })
    t.equal(run("ftp").error, "Unexpected greeting: HTTP/1.1 400 Bad Request")
  end,

  test_silent_and_closing = function()
    t.tcp("mail.example", 25, { { "never", "" } })
    t.equal(run("smtp").error, "No greeting from mail.example:25: timed out waiting for mail.example:25")
    t.tcp("mail.example", 110, {})
    t.equal(run("pop3").error, "No greeting from mail.example:110: connection closed by mail.example:110")
  end,

  test_refused = function()
    t.tcp("mail.example", 25, nil, "connection refused by mail.example:25", "refused")
    t.equal(run("smtp").error, "Connection refused by mail.example:25")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ protocol = "nntp", expect = "(" }
    t.is_nil(values)
    for _, field in ipairs{ "protocol", "host", "expect" } do t.matches(errors[field], ".", field) end
  end,
}

local t = require "testing"

local function command(...)
  local words = { ... }
  local parts = { ("*%d\r\n"):format(#words) }
  for _, word in ipairs(words) do parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#word, word) end
  return table.concat(parts)
end

local function run(steps, config)
  t.tcp("cache.example", 6379, steps)
  config = config or {}
  config.host = "cache.example"
  return t.run(config)
end

return {
  test_ping = function()
    local result = run{ { command("PING"), "+PONG\r\n" } }
    t.equal(result.message, "PONG")
    t.equal(result.metrics.answer.unit, "s")
  end,

  test_login_and_database = function()
    t.is_true(run({ { command("AUTH", "ada", "enigma"), "+OK\r\n" }, { command("SELECT", "3"), "+OK\r\n" }, { command("GET", "a b"), "$2\r\n42\r\n" } },
      { user = "ada", password = "enigma", database = 3, command = "GET 'a b'", expect = "^42$" }).succeeded)
  end,

  test_errors = function()
    t.equal(run{ { command("PING"), "-NOAUTH Authentication required.\r\n" } }.error, "PING failed: NOAUTH Authentication required.")
    t.tcp("other.example", 6379, { { command("AUTH", "enigma"), "-WRONGPASS invalid password\r\n" } })
    t.equal(t.run{ host = "other.example", password = "enigma" }.error, "Login failed: WRONGPASS invalid password")
  end,

  test_not_as_expected = function()
    local result = run({ { command("INFO", "replication"), "$10\r\nrole:slave\r\n" } }, { command = "INFO replication", expect = "role:master" })
    t.equal(result.error, "Failed to find match regex /role:master/ in the answer")
    t.equal(result.raw_data, "role:slave")
  end,

  test_lines_of_INFO_end_in_LF = function()
    local info = "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"
    local reply = ("$%d\r\n%s\r\n"):format(#info, info)
    t.is_true(run({ { command("INFO"), reply } }, { command = "INFO", expect = "(?m)^role:master$" }).succeeded)
    t.tcp("other.example", 6379, { { command("INFO"), reply } })
    local result = t.run{ host = "other.example", command = "INFO", expect = "role:slave" }
    t.equal(result.raw_data, "# Replication\nrole:master\nconnected_slaves:0\n")
  end,

  test_garbage_and_silence = function()
    t.tcp("cache.example", 6379, { { command("PING"), "HTTP/1.1 400 Bad Request\r\n" } })
    t.tcp("cache.example", 6379, { { command("PING"), "" } })
    t.tcp("cache.example", 6379, nil, "connection refused by cache.example:6379", "refused")
    t.equal(t.run{ host = "cache.example" }.error, "PING failed: the answer is not that of Redis")
    t.equal(t.run{ host = "cache.example" }.error, "PING failed: connection closed by cache.example:6379")
    t.equal(t.run{ host = "cache.example" }.error, "Connection refused by cache.example:6379")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ command = "GET 'x", database = -1 }
    t.is_nil(values)
    for _, field in ipairs{ "command", "database" } do t.matches(errors[field], ".", field) end
  end,
}

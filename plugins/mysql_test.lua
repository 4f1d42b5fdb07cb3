local bytes, crypto, t = require "bytes", require "crypto", require "testing"

local NONCE = "abcdefgh12345678ABCD"
local OK = "\0\0\0\2\0\0\0"

local function packet(sequence, body) return bytes.pack("<I3B", #body, sequence) .. body end

local function greeting(version, plugin)
  return packet(0, bytes.pack("<BzI4c8xI2BI2I2Bc10", 10, version, 1, NONCE:sub(1, 8), 0xffff, 45, 2, 0xdfff, 21, "") .. NONCE:sub(9) .. "\0" .. plugin .. "\0")
end

local function sha2(password)
  local once = crypto.sha256(password, "raw")
  return crypto.xor(once, crypto.sha256(crypto.sha256(once, "raw") .. NONCE, "raw"))
end

local function native(password)
  local once = crypto.sha1(password, "raw")
  return crypto.xor(once, crypto.sha1(NONCE .. crypto.sha1(once, "raw"), "raw"))
end

local function login(proof, plugin)
  local flags = 0x1 + 0x200 + 0x2000 + 0x8000 + 0x80000
  return packet(1, bytes.pack("<I4I4Bc23zs1z", flags, 1024 * 1024, 45, "", "ada", proof, plugin))
end

local function run(steps, config)
  t.tcp("db.example", 3306, steps)
  config = config or {}
  config.host, config.user, config.password = "db.example", config.user or "ada", "enigma"
  return t.run(config)
end

return {
  test_greeting = function()
    t.equal(run({ { "", greeting("8.4.2", "caching_sha2_password") }, { "never", "" } }, { user = "" }).message, "MySQL 8.4.2")
  end,

  test_native_login = function()
    local hello = greeting("5.5.5-10.11.6-MariaDB", "mysql_native_password")
    t.equal(run{ { "", hello }, { login(native("enigma"), "mysql_native_password"), packet(2, OK) }, { "never", "" } }.message, "10.11.6-MariaDB")
  end,

  test_sha2_login = function()
    local hello = greeting("8.4.2", "caching_sha2_password")
    local proof = login(sha2("enigma"), "caching_sha2_password")
    t.is_true(run{ { "", hello }, { proof, packet(2, "\1\3") .. packet(3, OK) }, { "never", "" } }.succeeded)
    t.tcp("other.example", 3306, { { "", hello }, { proof, packet(2, "\1\4") }, { "never", "" } })
    t.equal(t.run{ host = "other.example", user = "ada", password = "enigma" }.error, "Login failed: the server wants the password itself, which is sent over TLS only")
  end,

  test_query = function()
    local hello = greeting("8.4.2", "mysql_native_password")
    local rows = packet(1, "\1") .. packet(2, "column") .. packet(3, "\254\0\0\2\0") .. packet(4, "\2" .. "42") .. packet(5, "\254\0\0\2\0")
    local result = run({ { "", hello }, { login(native("enigma"), "mysql_native_password"), packet(2, OK) }, { packet(0, "\3SELECT 42"), rows }, { "never", "" } },
      { query = "SELECT 42", expect = "^42$" })
    t.equal(result.error, "")
    t.equal(result.metrics.value.value, 42)
    t.equal(result.metrics.rows.value, 1)
  end,

  test_errors = function()
    t.equal(run{ { "", packet(0, "\255\16\4Too many connections") } }.error, "No greeting: Too many connections (1040)")
    t.tcp("other.example", 3306, { { "", greeting("8.4.2", "mysql_native_password") }, { login(native("enigma"), "mysql_native_password"), packet(2, "\255\21\4#28000Access denied") } })
    t.equal(t.run{ host = "other.example", user = "ada", password = "enigma" }.error, "Login failed: Access denied (1045)")
  end,

  test_garbage_and_silence = function()
    t.tcp("db.example", 3306, { { "", "SSH-2.0-OpenSSH_9.2\r\n" } })
    t.tcp("db.example", 3306, { { "never", "" } })
    t.tcp("db.example", 3306, nil, "connection refused by db.example:3306", "refused")
    t.equal(t.run{ host = "db.example" }.error, "No greeting: the answer is not that of MySQL")
    t.equal(t.run{ host = "db.example" }.error, "No greeting: timed out waiting for db.example:3306")
    t.equal(t.run{ host = "db.example" }.error, "Connection refused by db.example:3306")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ host = "a b", port = 0 }
    t.is_nil(values)
    for _, field in ipairs{ "host", "port" } do t.matches(errors[field], ".", field) end
    values, errors = t.clean{ query = "SELECT 1" }
    t.is_nil(values)
    t.equal(errors, { user = "Enter a user: a query needs a login." })
  end,
}

-- SCRAM begins with a number of chance, which no stub can expect: the test in Go
-- speaks with a real server.
local bytes, crypto, t = require "bytes", require "crypto", require "testing"

local function message(kind, body) return kind .. bytes.pack(">I4", #body + 4) .. body end

local STARTUP = bytes.pack(">I4zzzzzzB", 196608, "user", "ada", "database", "shop", "application_name", "moonwatch", 0)
local HELLO = bytes.pack(">I4", #STARTUP + 4) .. STARTUP
local READY = message("S", "server_version\0" .. "15.4\0") .. message("Z", "I")
local OK = message("R", "\0\0\0\0") .. READY
local BYE = { message("X", "") }

local function run(config)
  config = config or {}
  config.host, config.user, config.password, config.database = "db.example", "ada", "enigma", "shop"
  return t.run(config)
end

return {
  test_login = function()
    t.tcp("db.example", 5432, { { HELLO, OK }, BYE })
    t.equal(run().message, "PostgreSQL 15.4")
  end,

  test_md5 = function()
    local proof = "md5" .. crypto.md5(crypto.md5("enigmaada") .. "salt") .. "\0"
    t.tcp("db.example", 5432, { { HELLO, message("R", "\0\0\0\5salt") }, { message("p", proof), OK }, BYE })
    t.is_true(run().succeeded)
  end,

  test_query = function()
    local row = message("T", "\0\1") .. message("D", "\0\1\0\0\0\2" .. "42") .. message("C", "SELECT 1\0") .. message("Z", "I")
    for expect, problem in pairs{ ["^42$"] = "", ["^7$"] = "Failed to find match regex /^7$/ in 42" } do
      t.tcp("db.example", 5432, { { HELLO, OK }, { message("Q", "SELECT 42\0"), row }, BYE })
      local result = run{ query = "SELECT 42", expect = expect }
      t.equal(result.error, problem)
      t.equal(result.metrics.value.value, 42)
    end
  end,

  test_wrong_password = function()
    t.tcp("db.example", 5432, { { HELLO, message("E", "SFATAL\0C28P01\0Mpassword authentication failed\0\0") } })
    t.equal(run().error, "Login failed: password authentication failed (28P01)")
  end,

  test_clear_password_is_not_sent = function()
    t.tcp("db.example", 5432, { { HELLO, message("R", "\0\0\0\3") }, { "nothing", "" } })
    t.equal(run().error, "Login failed: the server asks for the password in clear, which is sent over TLS only")
  end,

  test_no_TLS = function()
    t.tcp("db.example", 5432, { { bytes.pack(">I4I4", 8, 80877103), "N" } })
    t.equal(run{ tls = true }.error, "Login failed: the server does not speak TLS")
  end,

  test_garbage_and_silence = function()
    t.tcp("db.example", 5432, { { HELLO, "HTTP/1.1 400 Bad Request\r\n" } })
    t.tcp("db.example", 5432, { { HELLO, "" } })
    t.tcp("db.example", 5432, nil, "timed out", "timeout")
    t.equal(run().error, "Login failed: the answer is not that of PostgreSQL")
    t.equal(run().error, "Login failed: connection closed by db.example:5432")
    t.equal(run().error, "Connection to db.example:5432 timed out")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ host = "a b", port = 0, user = "", expect = "(" }
    t.is_nil(values)
    for _, field in ipairs{ "host", "port", "user", "expect" } do t.matches(errors[field], ".", field) end
  end,
}

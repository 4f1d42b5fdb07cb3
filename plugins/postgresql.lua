-- PostgreSQL: connects, logs in and, where asked to, makes a query.
--
-- Speaks the protocol version 3.0 with TLS, SCRAM-SHA-256, md5 and, over TLS alone, a
-- password in clear. The first value of the answer is the message, a metric where it is
-- a number, and what `expect` and the thresholds look at. The query is sent as it is: use
-- a role that may read only what it must.
--
-- Messages: `Connection refused by H:P`; `Connection to H:P timed out`; `Login failed: …`
-- and `Query failed: …` with the server's words and SQLSTATE; `The query gave no row`;
-- `Failed to find match regex /R/ in V`; `The value is 120 (> 100)`; `The query gave no
-- number`, which is unknown.
local bytes, crypto, base64, forms, time = require "bytes", require "crypto", require "base64", require "forms", require "time"
local dialogue, sql = require "shipped.dialogue", require "shipped.sql"

local fail, need = dialogue.fail, dialogue.need
local MOST = 1024 * 1024 -- bytes of a message

local Postgresql = {
  name = "PostgreSQL", slug = "postgresql", version = "1.0.1", author = "Moonwatch",
  summary = "Logs in to PostgreSQL and makes a query.",
  font_icon = "fa fa-database",
  config_form = {
    forms.HostField{ "host", group = "Server", initial = "localhost", help_text = "Name or address of the server" },
    forms.PortField{ "port", group = "Server", initial = 5432, help_text = "Port of the server" },
    forms.BooleanField{ "tls", group = "Server", label = "TLS", help_text = "Speak TLS" },
    forms.BooleanField{ "verify", group = "Server", initial = true, show_if = { tls = true }, help_text = "Fail when the certificate is not trusted" },
    forms.CharField{ "user", group = "Login", initial = "postgres", max_length = 63, help_text = "Role to log in as" },
    forms.CharField{ "password", group = "Login", required = false, widget = forms.PasswordInput, help_text = "Password of the role" },
    forms.CharField{ "database", group = "Login", required = false, max_length = 63, help_text = "Database; the one named as the role when empty" },
    forms.CharField{ "query", group = "Query", required = false, widget = forms.Textarea, placeholder = "SELECT count(*) FROM jobs WHERE failed", help_text = "SQL to run after the login" },
    forms.PatternField{ "expect", group = "Query", required = false, help_text = "Regular expression that the first value of the answer must match" },
    forms.ChoiceField{ "comparison", group = "Query", initial = ">", help_text = "How the first value, a number, is compared with the thresholds",
      choices = { { ">", ">" }, { ">=", ">=" }, { "<", "<" }, { "<=", "<=" }, { "==", "==" }, { "!=", "!=" } } },
    forms.FloatField{ "warn", group = "Query", required = false, help_text = "Warn when the first value compares so with this" },
    forms.FloatField{ "fail", group = "Query", required = false, help_text = "Fail when the first value compares so with this" },
  },
}

-- send writes a message: its type (none for the first ones), length and body.
local function send(connection, type, body)
  need(connection:send(type .. bytes.pack(">I4", #body + 4) .. body))
end

-- refused fails with the server's words.
local function refused(body)
  local fields = {}
  for field, value in body:gmatch("(%a)([^%z]*)%z") do fields[field] = value end
  fail(("%s (%s)"):format(fields.M or "unknown error", fields.C or "no SQLSTATE"))
end

-- refused_tls fails with the words of a server that answers the request for TLS with an
-- error: as one of today, or with a line of text, as when it has no process left.
local function refused_tls(connection)
  local head = need(connection:receive(4))
  local length = bytes.unpack(">I4", head)
  if length >= 8 and length <= 64 * 1024 then refused(need(connection:receive(length - 4))) end
  local rest = need(connection:receive("*a"))
  fail(((head .. rest):match("^[^%z\r\n]+") or "unknown error"):sub(1, 300))
end

-- receive returns the type and body of the next message; it skips notices.
local function receive(connection)
  while true do
    local kind, length = bytes.unpack(">c1I4", need(connection:receive(5)))
    if length < 4 or length > MOST then fail("the answer is not that of PostgreSQL") end
    local body = need(connection:receive(length - 4))
    if kind == "E" then refused(body) end
    if kind ~= "N" and kind ~= "A" then return kind, body end
  end
end

-- scram logs in by SCRAM-SHA-256 (RFC 5802, 7677), and makes sure that the server
-- knows the password too.
local function scram(connection, password)
  local nonce = crypto.random(18, "base64")
  local first = "n=,r=" .. nonce
  send(connection, "p", "SCRAM-SHA-256\0" .. bytes.pack(">s4", "n,," .. first))
  local _, body = receive(connection)
  local challenge = body:sub(5)
  local theirs, salt, rounds = challenge:match("^r=([^,]+),s=([^,]+),i=(%d+)")
  rounds = tonumber(rounds)
  if not theirs or theirs:sub(1, #nonce) ~= nonce or rounds < 1 or rounds > 500000 then fail("the server's SCRAM challenge is not valid") end
  local salted = crypto.pbkdf2("sha256", password, base64.decode(salt) or "", rounds, 32)
  local key = crypto.hmac("sha256", salted, "Client Key", "raw")
  local final = "c=biws,r=" .. theirs
  local text = first .. "," .. challenge .. "," .. final
  local proof = crypto.xor(key, crypto.hmac("sha256", crypto.sha256(key, "raw"), text, "raw"))
  send(connection, "p", final .. ",p=" .. base64.encode(proof))
  _, body = receive(connection)
  local signature = crypto.hmac("sha256", crypto.hmac("sha256", salted, "Server Key", "raw"), text, "base64")
  if not crypto.equal(body:sub(5), "v=" .. signature) then fail("the server does not prove that it knows the password") end
end

-- authenticate answers the server's request for a password.
local function authenticate(connection, check, body)
  local method = need(bytes.unpack(">I4", body), "the answer is not that of PostgreSQL")
  if method == 0 then return true end
  if check.password == "" then fail("the server asks for a password") end
  if method == 10 and ("\0" .. body:sub(5)):find("\0SCRAM-SHA-256\0", 1, true) then
    scram(connection, check.password)
  elseif method == 5 then
    send(connection, "p", "md5" .. crypto.md5(crypto.md5(check.password .. check.user) .. body:sub(5, 8)) .. "\0")
  elseif method == 3 and check.tls then
    send(connection, "p", check.password .. "\0")
  elseif method == 3 then
    fail("the server asks for the password in clear, which is sent over TLS only")
  else
    fail(("the server asks for a login of kind %s, which is not known"):format(tostring(method)))
  end
end

-- login returns the server's version.
local function login(connection, check)
  if check.tls then
    need(connection:send(bytes.pack(">I4I4", 8, 80877103)))
    local answer = need(connection:receive(1))
    if answer == "E" then refused_tls(connection) end
    if answer ~= "S" then fail(answer == "N" and "the server does not speak TLS" or "the answer is not that of PostgreSQL") end
    need(connection:starttls{ verify = check.verify })
  end
  local database = check.database ~= "" and check.database or check.user
  send(connection, "", bytes.pack(">I4zzzzzzB", 196608, "user", check.user, "database", database, "application_name", "moonwatch", 0))
  local version = ""
  while true do
    local kind, body = receive(connection)
    if kind == "R" then authenticate(connection, check, body)
    elseif kind == "S" then version = body:match("^server_version%z([^%z]*)") or version
    elseif kind == "Z" then return version
    elseif kind ~= "K" then fail("the answer is not that of PostgreSQL") end
  end
end

-- ask returns the first value of the first row ("NULL" for none), and the number of rows.
local function ask(connection, query)
  send(connection, "Q", query .. "\0")
  local value, rows = nil, 0
  while true do
    local kind, body = receive(connection)
    if kind == "D" then
      rows = sql.row(rows)
      local columns, length = bytes.unpack(">I2i4", body)
      if rows == 1 and columns and columns > 0 then value = length < 0 and "NULL" or body:sub(7, 6 + length) end
    elseif kind == "G" or kind == "W" then
      fail("the query wants data")
    elseif kind == "Z" then
      return value, rows
    end
  end
end

function Postgresql:run(check, result)
  local connection = dialogue.connect(check.host, check.port, nil, result)
  if not connection then return result end
  local before = time.now()
  local problem, version = dialogue.try(login, connection, check)
  if problem then
    result.error = "Login failed: " .. problem
    return result
  end
  result:metric("login", time.now() - before, "s")
  result.message = "PostgreSQL " .. version
  if not sql.query(check, result, ask, connection) then return result end
  connection:send("X" .. bytes.pack(">I4", 4)) -- goodbye; whether it arrives does not matter
  connection:close()
  result.succeeded = true
  return result
end

function Postgresql:description(check) return sql.description("PostgreSQL", check) end

return Postgresql

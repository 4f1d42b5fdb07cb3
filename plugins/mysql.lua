-- MySQL and MariaDB: reads the greeting, logs in and, where asked to, makes a query.
--
-- Without a user the greeting alone is looked at. Logs in by mysql_native_password and
-- caching_sha2_password; the latter needs TLS for a password that the server has not
-- seen lately, since it then wants the password itself. The first value of the answer
-- is the message, a metric where it is a number, and what `expect` and the thresholds
-- look at.
--
-- Messages: `Connection refused by H:P`; `Connection to H:P timed out`; `No greeting: …`,
-- `Login failed: …` and `Query failed: …` with the server's words and error number;
-- `The query gave no row`; `Failed to find match regex /R/ in V`;
-- `The value is 120 (> 100)`; `The query gave no number`, which is unknown.
local bytes, crypto, forms, time = require "bytes", require "crypto", require "forms", require "time"
local dialogue, sql = require "shipped.dialogue", require "shipped.sql"

local fail, need = dialogue.fail, dialogue.need
local MOST = 1024 * 1024 -- bytes of a packet

local Mysql = {
  name = "MySQL", slug = "mysql", version = "1.0.0", author = "Moonwatch",
  summary = "Reads the greeting of MySQL or MariaDB, logs in and makes a query.",
  font_icon = "fa fa-database",
  config_form = {
    forms.HostField{ "host", group = "Server", initial = "localhost", help_text = "Name or address of the server" },
    forms.PortField{ "port", group = "Server", initial = 3306, help_text = "Port of the server" },
    forms.BooleanField{ "tls", group = "Server", label = "TLS", help_text = "Speak TLS" },
    forms.BooleanField{ "verify", group = "Server", initial = true, show_if = { tls = true }, help_text = "Fail when the certificate is not trusted" },
    forms.CharField{ "user", group = "Login", required = false, max_length = 128, help_text = "User to log in as; empty: the greeting is enough" },
    forms.CharField{ "password", group = "Login", required = false, widget = forms.PasswordInput, help_text = "Password of the user" },
    forms.CharField{ "database", group = "Login", required = false, max_length = 64, help_text = "Database to use" },
    forms.CharField{ "query", group = "Query", required = false, widget = forms.Textarea, placeholder = "SELECT count(*) FROM jobs WHERE failed", help_text = "SQL to run after the login" },
    forms.PatternField{ "expect", group = "Query", required = false, help_text = "Regular expression that the first value of the answer must match" },
    forms.ChoiceField{ "comparison", group = "Query", initial = ">", help_text = "How the first value, a number, is compared with the thresholds",
      choices = { { ">", ">" }, { ">=", ">=" }, { "<", "<" }, { "<=", "<=" }, { "==", "==" }, { "!=", "!=" } } },
    forms.FloatField{ "warn", group = "Query", required = false, help_text = "Warn when the first value compares so with this" },
    forms.FloatField{ "fail", group = "Query", required = false, help_text = "Fail when the first value compares so with this" },
  },
}

function Mysql:clean(values)
  if values.query and values.query ~= "" and (values.user or "") == "" then
    return nil, { user = "Enter a user: a query needs a login." }
  end
  return values
end

-- Capabilities: long password, database, protocol 4.1, TLS, transactions, secure login, login plugins.
local BASE, WITH_DATABASE, TLS = 0x1 + 0x200 + 0x2000 + 0x8000 + 0x80000, 0x8, 0x800

-- send writes a packet.
local function send(session, body)
  need(session.connection:send(bytes.pack("<I3B", #body, session.sequence % 256) .. body))
  session.sequence = session.sequence + 1
end

-- receive reads a packet. One that is the server's error is a problem.
local function receive(session)
  local length, sequence = bytes.unpack("<I3B", need(session.connection:receive(4)))
  if length == 0 or length > MOST then fail("the answer is not that of MySQL") end
  local body = need(session.connection:receive(length))
  session.sequence = sequence + 1
  if body:byte() == 0xff then
    local code, text = bytes.unpack("<I2", body, 2), body:sub(4)
    fail(("%s (%s)"):format(text:gsub("^#%w%w%w%w%w", ""), code or "no number"))
  end
  return body
end

-- greeting reads the server's first packet: its version, nonce and way to log in.
local function greeting(session)
  local body = receive(session)
  local protocol, version, _, first, low, _, _, high, length, at = bytes.unpack("<BzI4c8xI2BI2I2B", body)
  if protocol ~= 10 or not at then fail("the answer is not that of MySQL") end
  local nonce = first .. body:sub(at + 10, at + 9 + math.max(13, length - 8))
  session.nonce = nonce:sub(1, 20)
  session.can_tls = math.floor(low / TLS) % 2 == 1
  session.plugin = math.floor(high / 8) % 2 == 1 and body:match("^([%w_]+)", at + 10 + math.max(13, length - 8)) or "mysql_native_password"
  return (version:gsub("^5%.5%.5%-", "")) -- which MariaDB puts before its own
end

-- PROOFS show that one knows the password without sending it.
local PROOFS = {
  mysql_native_password = function(password, nonce)
    local once = crypto.sha1(password, "raw")
    return crypto.xor(once, crypto.sha1(nonce .. crypto.sha1(once, "raw"), "raw"))
  end,
  caching_sha2_password = function(password, nonce)
    local once = crypto.sha256(password, "raw")
    return crypto.xor(once, crypto.sha256(crypto.sha256(once, "raw") .. nonce, "raw"))
  end,
}

local function proof(session, check)
  if check.password == "" then return "" end
  if session.plugin == "mysql_clear_password" and check.tls then return check.password .. "\0" end
  local make = PROOFS[session.plugin]
  if not make then fail("the server wants a login by " .. session.plugin .. ", which cannot be made") end
  return make(check.password, session.nonce)
end

-- login begins TLS if asked to, and answers the server until it is content.
local function login(session, check)
  local flags = BASE + (check.database ~= "" and WITH_DATABASE or 0) + (check.tls and TLS or 0)
  local head = bytes.pack("<I4I4Bc23", flags, MOST, 45, "") -- 45: utf8mb4
  if check.tls then
    if not session.can_tls then fail("the server does not speak TLS") end
    send(session, head)
    need(session.connection:starttls{ verify = check.verify })
  end
  if not PROOFS[session.plugin] then session.plugin = "mysql_native_password" end -- the server then switches
  local body = head .. bytes.pack("<zs1", check.user, proof(session, check))
  if check.database ~= "" then body = body .. check.database .. "\0" end
  send(session, body .. session.plugin .. "\0")
  while true do
    body = receive(session)
    local kind, what = body:byte(1, 2)
    if kind == 0x00 then return end
    if kind == 0xfe then
      local plugin, nonce = body:match("^.([^%z]*)%z(.*)$")
      if not plugin then fail("the server asks for an old password, which cannot be given") end
      session.plugin, session.nonce = plugin, nonce:sub(1, 20)
      send(session, proof(session, check))
    elseif kind == 0x01 and what == 0x04 then
      if not check.tls then fail("the server wants the password itself, which is sent over TLS only") end
      send(session, check.password .. "\0")
    elseif not (kind == 0x01 and what == 0x03) then -- 3: the proof was right, OK follows
      fail("the answer is not that of MySQL")
    end
  end
end

-- ask returns the first value of the first row ("NULL" for none), and the number of rows.
local function ask(session, query)
  session.sequence = 0
  send(session, "\3" .. query)
  local body = receive(session)
  if body:byte() == 0x00 then return nil, 0 end -- no rows at all
  if body:byte() == 0xfb then fail("the query wants a file") end
  local function finished() return body:byte() == 0xfe and #body < 9 end
  repeat body = receive(session) until finished() -- the columns
  local value, rows = nil, 0
  while true do
    body = receive(session)
    if finished() then return value, rows end
    rows = sql.row(rows)
    if rows == 1 then
      local length = body:byte()
      if length == 0xfb then value = "NULL"
      elseif length == 0xfc then value = bytes.unpack("<s2", body, 2)
      elseif length == 0xfd then value = bytes.unpack("<s3", body, 2)
      else value = bytes.unpack("<s1", body) end
    end
  end
end

function Mysql:run(check, result)
  local connection = dialogue.connect(check.host, check.port, nil, result)
  if not connection then return result end
  local session = { connection = connection, sequence = 0 }
  local problem, version = dialogue.try(greeting, session)
  if problem then
    result.error = "No greeting: " .. problem
    return result
  end
  result.message = (version:find("MariaDB") and "" or "MySQL ") .. version

  if check.user ~= "" then
    local before = time.now()
    problem = dialogue.try(login, session, check)
    if problem then
      result.error = "Login failed: " .. problem
      return result
    end
    result:metric("login", time.now() - before, "s")
  end
  if not sql.query(check, result, ask, session) then return result end
  connection:close()
  result.succeeded = true
  return result
end

function Mysql:description(check) return sql.description("MySQL", check) end

return Mysql

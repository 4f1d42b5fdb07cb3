-- Redis: connects, logs in where there is a password, and gives a command.
--
-- Speaks RESP 2, which Valkey, KeyDB and Dragonfly speak too. `expect` looks at the
-- answer, whose lists are written one item a line; a number becomes a metric.
--
-- Messages: `Connection refused by H:P`; `Connection to H:P timed out`; `Login failed: …`,
-- `Database 3: …` and `PING failed: …` with the server's words (NOAUTH, LOADING, …);
-- `Failed to find match regex /R/ in the answer`.
local exec, forms, re, tcp, time = require "exec", require "forms", require "re", require "tcp", require "time"
local dialogue = require "shipped.dialogue"

local MOST, DEPTH, ITEMS = 1024 * 1024, 8, 10000 -- bytes of a text, nesting and items of an answer

local function clean_command(text)
  local words, problem = exec.split(text)
  if not words then return nil, "This cannot be parted into words: " .. problem .. "." end
  if #words == 0 then return nil, "Enter a command such as PING." end
  return text
end

local Redis = {
  name = "Redis", slug = "redis", version = "1.0.1", author = "Moonwatch",
  summary = "Logs in to Redis and gives a command.",
  font_icon = "fa fa-database",
  config_form = {
    forms.HostField{ "host", group = "Server", initial = "localhost", help_text = "Name or address of the server" },
    forms.PortField{ "port", group = "Server", initial = 6379, help_text = "Port of the server" },
    forms.BooleanField{ "tls", group = "Server", label = "TLS", help_text = "Speak TLS" },
    forms.BooleanField{ "verify", group = "Server", initial = true, show_if = { tls = true }, help_text = "Fail when the certificate is not trusted" },
    forms.CharField{ "user", group = "Login", required = false, help_text = "User, where the server has others than the default one" },
    forms.CharField{ "password", group = "Login", required = false, widget = forms.PasswordInput, help_text = "Password" },
    forms.IntegerField{ "database", group = "Login", initial = 0, min_value = 0, help_text = "Number of the database" },
    forms.CharField{ "command", group = "Command", initial = "PING", max_length = 4000, clean = clean_command, help_text = "Command, parted and quoted as in a shell" },
    forms.PatternField{ "expect", group = "Command", required = false, placeholder = "(?m)^role:master", help_text = "Regular expression that the answer must match" },
  },
}

-- give sends a command.
local function give(connection, words)
  local parts = { ("*%d\r\n"):format(#words) }
  for _, word in ipairs(words) do parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#word, word) end
  return connection:send(table.concat(parts))
end

-- receive reads an answer as text. An error is nil, its text; `left` bounds the items.
local function receive(connection, depth, left)
  local line, problem = connection:receive("*l")
  if not line then return nil, problem end
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "+" or kind == ":" then return rest end
  if kind == "-" then return nil, rest end
  local n = tonumber(rest)
  if kind == "$" and n and n <= MOST then
    if n < 0 then return "" end
    local text
    text, problem = connection:receive(n + 2)
    if not text then return nil, problem end
    return (text:sub(1, -3):gsub("\r\n", "\n")) -- INFO has lines with CR LF
  elseif kind == "*" and n and depth < DEPTH then
    local items = {}
    for i = 1, n do
      left.items = left.items - 1
      if left.items < 0 then return nil, "the answer has more items than " .. ITEMS end
      local item, mistake = receive(connection, depth + 1, left)
      if not item then return nil, mistake end
      items[i] = item
    end
    return table.concat(items, "\n")
  end
  return nil, "the answer is not that of Redis"
end

local function call(connection, words)
  local sent, problem = give(connection, words)
  if not sent then return nil, problem end
  return receive(connection, 0, { items = ITEMS })
end

-- refusal is what a server says unasked before any TLS (that it has too many clients,
-- or is in protected mode), or nil.
local function refusal(check)
  local connection = tcp.connect(check.host, check.port)
  if not connection then return nil end
  local line = connection:receive("*l", math.min(1, time.left() / 2))
  connection:close()
  return line and line:match("^%-(.+)") or nil
end

function Redis:run(check, result)
  local connection, kind = dialogue.connect(check.host, check.port, { tls = check.tls and { verify = check.verify } }, result)
  if not connection then
    local said = check.tls and (kind == "tls" or kind == "closed" or kind == "protocol") and refusal(check)
    if said then result.error = ("Connection to %s:%d failed: %s"):format(check.host, check.port, said:sub(1, 300)) end
    return result
  end

  local answer, problem
  if check.password ~= "" then
    answer, problem = call(connection, check.user ~= "" and { "AUTH", check.user, check.password } or { "AUTH", check.password })
    if not answer then
      result.error = "Login failed: " .. problem
      return result
    end
  end
  if check.database > 0 then
    answer, problem = call(connection, { "SELECT", tostring(check.database) })
    if not answer then
      result.error = ("Database %d: %s"):format(check.database, problem)
      return result
    end
  end
  local words = exec.split(check.command)
  local before = time.now()
  answer, problem = call(connection, words)
  if not answer then
    result.error = words[1] .. " failed: " .. problem
    return result
  end
  connection:close()
  result:metric("answer", time.now() - before, "s")
  result:metric("value", tonumber(answer))
  if check.expect ~= "" and not re.match(check.expect, answer) then
    result.error, result.raw_data = "Failed to find match regex /" .. check.expect .. "/ in the answer", answer
    return result
  end
  result.succeeded, result.message = true, answer:match("^[^\r\n]*"):sub(1, 200)
  return result
end

function Redis:description(check)
  return ("%s at %s port %d"):format(check.command:sub(1, 100), check.host, check.port)
end

return Redis

-- TCP port: connects, and where asked to, sends a text and looks at the answer.
local forms, tcp, time = require "forms", require "tcp", require "time"

local MOST = 4096 -- bytes of the answer that are looked at

local Tcp = {
  name = "TCP port", slug = "tcp", version = "1.0.0", author = "Moonwatch",
  summary = "Connects to a TCP port and, if asked to, checks what it answers.",
  font_icon = "glyphicon glyphicon-transfer",
  config_form = {
    forms.HostField{ "host", help_text = "Name or address to connect to" },
    forms.PortField{ "port", help_text = "Port to connect to" },
    forms.BooleanField{ "tls", label = "TLS", help_text = "Speak TLS from the start, with a certificate that is trusted" },
    forms.CharField{ "send", group = "Dialogue", required = false, placeholder = "PING\\r\\n",
      help_text = "Text to send once connected; \\r, \\n, \\t, \\\\ and \\xHH stand for characters that cannot be typed" },
    forms.PatternField{ "expect", group = "Dialogue", required = false, placeholder = "^220 ",
      help_text = "Regular expression that the answer (its first 4 KiB) must match" },
  },
}

local ESCAPES = { r = "\r", n = "\n", t = "\t", ["0"] = "\0", ["\\"] = "\\" }

local function unescape(text)
  return (text:gsub("\\(.)(%x?%x?)", function(letter, hex)
    if letter == "x" and #hex == 2 then return string.char(tonumber(hex, 16)) end
    return ESCAPES[letter] and ESCAPES[letter] .. hex
  end))
end

-- listen reads until the answer matches. It reads byte by byte, because a server
-- that says no more may not end its line either.
local function listen(check, connection, where)
  local re = require "re"
  local parts, answer = {}, ""
  while #parts < MOST do
    local byte, problem, kind = connection:receive(1)
    if not byte then
      local ended = kind == "timeout" and "timed out waiting for" or kind == "closed" and "connection closed before" or problem .. " before"
      if answer == "" then return "No answer from " .. where .. ": " .. ended .. " one", answer end
      return "Failed to find match regex /" .. check.expect .. "/ in answer: " .. ended .. " more", answer
    end
    parts[#parts + 1] = byte
    answer = table.concat(parts)
    if re.match(check.expect, answer) then return nil, answer end
  end
  return "Failed to find match regex /" .. check.expect .. "/ in answer", answer
end

function Tcp:run(check, result)
  local where = check.host .. ":" .. check.port
  local started = time.now()
  local connection, problem, kind = tcp.connect(check.host, check.port, { tls = check.tls })
  if not connection then
    result.error = kind == "refused" and "Connection refused by " .. where
      or kind == "timeout" and "Connection to " .. where .. " timed out"
      or "Connection to " .. where .. " failed: " .. problem
    return result
  end
  result:metric("connect", time.now() - started, "s")

  if check.send ~= "" then
    local sent
    sent, problem = connection:send(unescape(check.send))
    if not sent then
      result.error = "Sending to " .. where .. " failed: " .. problem
      return result
    end
  end
  if check.expect ~= "" then
    problem, result.raw_data = listen(check, connection, where)
    result:metric("answer", time.now() - started, "s")
    if problem then
      result.error = problem
      return result
    end
  end
  connection:close()
  result.raw_data = ""
  result.succeeded = true
  return result
end

function Tcp:description(check)
  local what = check.tls and "TLS" or "TCP"
  local text = ("%s port %d of %s"):format(what, check.port, check.host)
  if check.expect ~= "" then text = text .. " answers /" .. check.expect .. "/" end
  return text
end

return Tcp

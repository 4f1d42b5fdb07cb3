-- TCP port: connects, and where asked to, sends a text and looks at the answer.
local forms, re, time = require "forms", require "re", require "time"
local dialogue = require "shipped.dialogue"

local MOST, LINES = 4096, 100 -- bytes of the answer that are looked at, and lines after each of which they are
local QUIET = 1 -- seconds of silence after which an answer without a line's end is complete

local Tcp = {
  name = "TCP port", slug = "tcp", version = "1.0.1", author = "Moonwatch",
  summary = "Connects to a TCP port and, if asked to, checks what it answers.",
  font_icon = "glyphicon glyphicon-transfer",
  config_form = {
    forms.HostField{ "host", help_text = "Name or address to connect to" },
    forms.PortField{ "port", help_text = "Port to connect to" },
    forms.BooleanField{ "tls", label = "TLS", help_text = "Speak TLS from the start, with a certificate that is trusted" },
    forms.CharField{ "send", group = "Dialogue", required = false, placeholder = "PING\\r\\n",
      help_text = "Text to send once connected; \\r, \\n, \\t, \\\\ and \\xHH stand for characters that cannot be typed" },
    forms.PatternField{ "expect", group = "Dialogue", required = false, placeholder = "^220 ",
      help_text = "Regular expression that the answer (its first 4 KiB) must match once a line of it has ended, the server closes, or says no more for a second" },
  },
}

local ESCAPES = { r = "\r", n = "\n", t = "\t", ["0"] = "\0", ["\\"] = "\\" }

local function unescape(text)
  return (text:gsub("\\(.)(%x?%x?)", function(letter, hex)
    if letter == "x" and #hex == 2 then return string.char(tonumber(hex, 16)) end
    return ESCAPES[letter] and ESCAPES[letter] .. hex
  end))
end

-- matches looks at an answer that is complete so far: as lines without their ends,
-- so that ^OK$ holds for the line OK, or as it was sent.
local function matches(expect, answer)
  local lines = answer:gsub("\r\n", "\n"):gsub("\n$", "")
  return re.match(expect, lines) or re.match(expect, answer)
end

-- listen reads until the answer matches. It is looked at when a line has ended, when the
-- server closes or has said nothing for a while: what is still being said may go on
-- otherwise. It returns the problem, if any, the answer, and when it came.
local function listen(check, connection, where)
  local quiet = math.min(QUIET, check.timeout / 4)
  local parts, answer, judged, lines, came = {}, "", 0, 0, time.now() -- judged: bytes of the answer
  while true do
    local waiting = judged < #answer
    local whole = time.left() > 2 * quiet -- else the deadline ends the wait, not the silence
    local piece, problem, kind = connection:receive("*s", waiting and math.min(quiet, time.left() / 2) or nil)
    if piece then
      parts[#parts + 1] = piece
      answer, came = table.concat(parts), time.now()
      local stop = answer:find("\n", judged + 1, true)
      while stop and stop <= MOST and lines < LINES do
        judged, lines = stop, lines + 1
        if matches(check.expect, answer:sub(1, stop)) then return nil, answer, came end
        stop = answer:find("\n", stop + 1, true)
      end
      if #answer > MOST then
        -- it goes on: what holds at its end alone does not count
        answer = answer:sub(1, MOST)
        if matches(check.expect, answer) and re.match(check.expect, answer .. "\0") then return nil, answer, came end
        return "Failed to find match regex /" .. check.expect .. "/ in answer", answer, came
      end
    else
      local silent = kind == "timeout" and whole
      if waiting and (silent or kind == "closed") and matches(check.expect, answer) then return nil, answer, came end
      judged = #answer
      if not (waiting and silent) then
        local ended = kind == "timeout" and "timed out waiting for" or kind == "closed" and "connection closed before" or problem .. " before"
        if answer == "" then return "No answer from " .. where .. ": " .. ended .. " one", answer, came end
        return "Failed to find match regex /" .. check.expect .. "/ in answer: " .. ended .. " more", answer, came
      end
    end
  end
end

function Tcp:run(check, result)
  local where = check.host .. ":" .. check.port
  local started = time.now()
  local connection = dialogue.connect(check.host, check.port, { tls = check.tls }, result)
  if not connection then return result end

  if check.send ~= "" then
    local sent, problem = connection:send(unescape(check.send))
    if not sent then
      result.error = "Sending to " .. where .. " failed: " .. problem
      return result
    end
  end
  if check.expect ~= "" then
    local problem, came
    problem, result.raw_data, came = listen(check, connection, where)
    result:metric("answer", came - started, "s")
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

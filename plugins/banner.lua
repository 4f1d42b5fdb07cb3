-- Banner: greets a mail, SSH or FTP server in its own protocol, and says goodbye.
--
--   SMTP  220 greeting, EHLO, 250, QUIT        IMAP  * OK greeting, CAPABILITY, LOGOUT
--   POP3  +OK greeting, QUIT                   FTP   220 greeting, QUIT
--   SSH   SSH-2.0-… identification, ours in return
--
-- Messages: `Connection refused by H:P`; `Connection to H:P timed out`; `No greeting from
-- H:P: …`; `Unexpected greeting: 554 go away`; `Unexpected answer to EHLO: 502 …`;
-- `Failed to find match regex /R/ in the dialogue`. The dialogue is raw_data, the
-- greeting the message; connect and answer times are metrics.
local forms, re, time = require "forms", require "re", require "time"
local dialogue = require "shipped.dialogue"

local Banner = {
  name = "SMTP, IMAP, SSH, FTP", slug = "banner", version = "1.0.0", author = "Moonwatch",
  summary = "Greets a mail, SSH or FTP server in its own protocol.",
  font_icon = "fa fa-comment-o",
  config_form = {
    forms.ChoiceField{ "protocol", help_text = "Protocol to speak",
      choices = { { "smtp", "SMTP" }, { "imap", "IMAP" }, { "pop3", "POP3" }, { "ssh", "SSH" }, { "ftp", "FTP" } } },
    forms.HostField{ "host", help_text = "Name or address to connect to" },
    forms.PortField{ "port", required = false, help_text = "Port to connect to; that of the protocol when empty" },
    forms.BooleanField{ "tls", label = "TLS", show_if = { protocol = { "smtp", "imap", "pop3", "ftp" } },
      help_text = "Speak TLS from the start" },
    forms.BooleanField{ "verify", initial = true, show_if = { tls = true }, help_text = "Fail when the certificate is not trusted" },
    forms.PatternField{ "expect", required = false, placeholder = "(?m)^250[ -]STARTTLS", help_text = "Regular expression that the server's part of the dialogue must match" },
  },
}

-- A step says something (nil: listens) and wants a line that matches; while `more`
-- matches, the answer goes on. `free`: once it goes on, any line may come before the last.
-- The answer to a goodbye is not waited for.
local US = "moonwatch"
local PROTOCOLS = {
  smtp = { port = 25, tls = 465, { want = "^220( |$)", more = "^220-" }, { say = "EHLO " .. US, want = "^250( |$)", more = "^250-" }, { say = "QUIT" } },
  imap = { port = 143, tls = 993, { want = "^\\* (OK|PREAUTH)" }, { say = "a1 CAPABILITY", want = "^a1 OK", more = "^\\*" }, { say = "a2 LOGOUT" } },
  pop3 = { port = 110, tls = 995, { want = "^\\+OK" }, { say = "QUIT" } },
  ftp = { port = 21, tls = 990, { want = "^220( |$)", more = "^220-", free = true }, { say = "QUIT" } },
  -- lines may come before the identification (RFC 4253, 4.2)
  ssh = { port = 22, { want = "^SSH-(2\\.0|1\\.99)-", more = "^([^S]|S[^S]|SS[^H]|$)" }, { say = "SSH-2.0-" .. US } },
}

local MOST = 100 -- lines of an answer

-- converse goes through the steps; it returns the problem, if any, the greeting and the server's part.
local function converse(connection, steps, lines)
  local greeting, heard = nil, {}
  for _, step in ipairs(steps) do
    if step.say then
      lines[#lines + 1] = "> " .. step.say
      local sent, problem = connection:send(step.say .. "\r\n")
      if not sent then return "Sending " .. step.say .. " failed: " .. problem, greeting, heard end
    end
    local answer = step.say and "answer to " .. step.say:match("^a?%d?%s*(%S+)") or "greeting"
    for n = 1, step.want and MOST or 0 do
      local line, problem = connection:receive("*l")
      if not line then return "No " .. answer .. ": " .. problem, greeting, heard end
      lines[#lines + 1] = line
      heard[#heard + 1] = line
      if re.match(step.want, line) then
        greeting = greeting or line
        break
      end
      if not (step.more and (re.match(step.more, line) or step.free and n > 1)) then
        return "Unexpected " .. answer .. ": " .. line:sub(1, 200), greeting, heard
      elseif n == MOST then
        return "The " .. answer .. " does not end", greeting, heard
      end
    end
  end
  return nil, greeting, heard
end

function Banner:run(check, result)
  local protocol = PROTOCOLS[check.protocol]
  local port = check.port or check.tls and protocol.tls or protocol.port
  local where, started = check.host .. ":" .. port, time.now()
  local connection = dialogue.connect(check.host, port, { tls = check.tls and { verify = check.verify } }, result)
  if not connection then return result end

  local lines = {}
  local problem, greeting, heard = converse(connection, protocol, lines)
  connection:close()
  result.raw_data = table.concat(lines, "\n")
  if problem then
    result.error = problem:gsub("^No greeting", "No greeting from " .. where:gsub("%%", "%%%%"))
    return result
  end
  result:metric("dialogue", time.now() - started, "s")
  if check.expect ~= "" and not re.match(check.expect, table.concat(heard, "\n")) then
    result.error = "Failed to find match regex /" .. check.expect .. "/ in the dialogue"
    return result
  end
  result.succeeded, result.message = true, greeting
  return result
end

function Banner:description(check)
  return ("%s greeting of %s%s"):format(check.protocol:upper(), check.host, check.port and (" port %d"):format(check.port) or "")
end

return Banner

-- What checks share that speak a protocol over TCP: connecting, and ending a dialogue
-- from anywhere within it.
local tcp, time = require "tcp", require "time"

local dialogue = {}

-- connect opens a connection, with tcp.connect's options. Where it cannot, it puts the
-- reason into result.error, and returns nil and the kind of the problem.
function dialogue.connect(host, port, options, result)
  local where, started = host .. ":" .. port, time.now()
  local connection, problem, kind = tcp.connect(host, port, options)
  if not connection then
    result.error = kind == "refused" and "Connection refused by " .. where
      or kind == "timeout" and "Connection to " .. where .. " timed out"
      or "Connection to " .. where .. " failed: " .. problem
    return nil, kind
  end
  result:metric("connect", time.now() - started, "s")
  return connection
end

-- fail ends the dialogue. Problems are raised as tables: what try catches besides is a
-- mistake in the plugin, and is raised again.
function dialogue.fail(text) error({ text = text }) end

-- need returns a value, or fails with the problem when there is none.
function dialogue.need(value, problem)
  if not value then dialogue.fail(problem) end
  return value
end

-- try calls a function; it returns the problem that it failed with, or nil and up to
-- two values of the function.
function dialogue.try(fn, ...)
  local fine, value, more = pcall(fn, ...)
  if fine then return nil, value, more end
  if type(value) ~= "table" then error(value, 0) end
  return value.text
end

return dialogue

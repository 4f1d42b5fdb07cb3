function iter(...)
  local t = {}
  for a, b in ... do t[#t + 1] = tostring(a) .. (b and ":" .. tostring(b) or "") end
  return t
end
function with(t, f, ...) f(t, ...) return t end
function walk(f, s, v)
  local t = {}
  for k, x in f, s, v do t[#t + 1] = tostring(k) .. "=" .. tostring(x) end
  return table.concat(t, " ")
end
local function show(v)
  if type(v) == "string" then return (string.format("%q", v):gsub("\\\n", "\\n")) end
  if type(v) == "number" then return string.format("%.14g", v) end
  if type(v) == "nil" or type(v) == "boolean" then return tostring(v) end
  return type(v)
end
function render(ok, ...)
  if not ok then
    local m = ...
    if type(m) == "string" then m = m:gsub("^.-:%d+: ", "") else m = show(m) end
    return "error " .. m
  end
  local t = {}
  for i = 1, select("#", ...) do t[i] = show((select(i, ...))) end
  return table.concat(t, ", ")
end

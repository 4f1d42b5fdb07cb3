-- What the checks of databases share: a query whose first value is the message, a metric
-- where it is a number, and what `expect` and the thresholds of the check look at.
--
-- Messages: `Query failed: …`; `The query gave no row`; `Failed to find match regex /R/
-- in V`; `The value is 120 (> 100)`; `The query gave no number`, which is unknown.
local re, time = require "re", require "time"
local compare, dialogue = require "shipped.compare", require "shipped.dialogue"

local sql = { ROWS = 10000 } -- of an answer

-- judge looks at the first value of an answer, nil when there is none.
local function judge(check, value, result)
  local number = tonumber(value)
  result:metric("value", number, { warn = check.warn, fail = check.fail })
  if check.expect ~= "" and not value then
    result.error = "The query gave no row"
  elseif check.expect ~= "" and not re.match(check.expect, value) then
    result.error = ("Failed to find match regex /%s/ in %s"):format(check.expect, value:sub(1, 200))
  elseif (check.warn or check.fail) and not number then
    result.unknown, result.error = true, "The query gave no number"
  elseif check.fail and compare[check.comparison](number, check.fail) then
    result.error = ("The value is %.10g (%s %.10g)"):format(number, check.comparison, check.fail)
  elseif check.warn and compare[check.comparison](number, check.warn) then
    result.error, result.severity = ("The value is %.10g (%s %.10g)"):format(number, check.comparison, check.warn), "WARNING"
  end
end

-- row counts the rows of an answer, and fails when there are too many.
function sql.row(rows)
  if rows == sql.ROWS then dialogue.fail(("the query gives more than %d rows"):format(sql.ROWS)) end
  return rows + 1
end

-- query makes the check's query, if it has one, by ask(session, query), which returns
-- the first value of the first row ("NULL" for none) and the number of rows. It returns
-- true when nothing is wrong.
function sql.query(check, result, ask, session)
  if check.query == "" then return true end
  local before = time.now()
  local problem, value, rows = dialogue.try(ask, session, check.query)
  if problem then
    result.error = "Query failed: " .. problem
    return false
  end
  result:metric("query", time.now() - before, "s")
  result:metric("rows", rows)
  judge(check, value, result)
  if result.error ~= "" then return false end
  result.message = value and value:sub(1, 200) or result.message
  return true
end

-- description is what a plugin says of a check.
function sql.description(name, check)
  local text = ("%s at %s port %d"):format(name, check.host, check.port)
  if check.query ~= "" then text = text .. ": " .. check.query:gsub("%s+", " "):sub(1, 100) end
  return text
end

return sql

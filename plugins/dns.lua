-- DNS: looks a name up and, where asked to, compares the records.
--
-- Messages: what the resolver answered, e.g. `no such name: www.example.org`;
-- `No A record for www.example.org`; `Missing from the A records of www.example.org:
-- 192.0.2.1 (got 192.0.2.9)`; `Unexpected in the A records of …: 192.0.2.9`.
local forms, dns, time = require "forms", require "dns", require "time"

local Dns = {
  name = "DNS", slug = "dns", version = "1.1.0", author = "Moonwatch",
  summary = "Looks up a name and compares the records with those expected.",
  font_icon = "fa fa-sitemap",
  config_form = {
    forms.CharField{ "hostname", max_length = 253, placeholder = "www.example.org", help_text = "Name to look up; for PTR an address will do" },
    forms.ChoiceField{ "record_type", initial = "A", help_text = "Type of record to ask for",
      choices = { { "A", "A" }, { "AAAA", "AAAA" }, { "CNAME", "CNAME" }, { "MX", "MX" }, { "NS", "NS" }, { "TXT", "TXT" }, { "SRV", "SRV" },
        { "SOA", "SOA" }, { "PTR", "PTR" }, { "CAA", "CAA" }, { "DS", "DS" }, { "DNSKEY", "DNSKEY" }, { "TLSA", "TLSA" } } },
    forms.CharField{ "resolver", required = false, max_length = 260, placeholder = "192.0.2.53",
      help_text = "Name server to ask, with :port if it is not 53; the system's when empty" },
    forms.CharField{ "expected", required = false, widget = forms.Textarea, max_length = 4000,
      help_text = "Records that must be there, one a line (but for TXT, commas part them too); with or without preference for MX and SRV" },
    forms.BooleanField{ "exact", help_text = "Fail when there are others than the expected records" },
  },
}

-- shown is a record with its preference, if it has one.
local function shown(record)
  return record.preference and record.preference .. " " .. record.value or record.value
end

local function expected_of(check)
  local list = {}
  for part in check.expected:gmatch(check.record_type == "TXT" and "[^\r\n]+" or "[^\r\n,]+") do
    part = part:match("^%s*(.-)%s*$")
    if part ~= "" then list[#list + 1] = part end
  end
  return list
end

-- compare returns the expected records that are missing, and those that nobody expected.
local function compare(kind, expected, records)
  local missing, surplus, used = {}, {}, {}
  for _, want in ipairs(expected) do
    local found
    local plain = dns.canonical(kind, want)
    for i, record in ipairs(records) do
      if plain == dns.canonical(kind, record.value) or plain == dns.canonical(kind, shown(record)) then
        found, used[i] = true, true
      end
    end
    if not found then missing[#missing + 1] = want end
  end
  for i, record in ipairs(records) do
    if not used[i] then surplus[#surplus + 1] = shown(record) end
  end
  return missing, surplus
end

function Dns:run(check, result)
  local kind, name = check.record_type, check.hostname
  local options = check.resolver ~= "" and { server = check.resolver } or nil
  local started = time.now()
  local records, problem = dns.lookup(name, kind, options)
  if not records then
    result.error = problem
    return result
  end
  result:metric("time", time.now() - started, "s")
  result:metric("records", #records)
  if #records == 0 then
    result.error = ("No %s record for %s"):format(kind, name)
    return result
  end

  local values, lines = {}, {}
  for i, record in ipairs(records) do
    values[i] = shown(record)
    lines[i] = ("%s %d %s"):format(record.type, record.ttl, values[i])
  end
  local got, expected = table.concat(values, ", "), expected_of(check)
  local missing, surplus = compare(kind, expected, records)
  if #missing > 0 then
    result.error = ("Missing from the %s records of %s: %s (got %s)"):format(kind, name, table.concat(missing, ", "), got)
  elseif check.exact and #expected > 0 and #surplus > 0 then
    result.error = ("Unexpected in the %s records of %s: %s"):format(kind, name, table.concat(surplus, ", "))
  else
    result.succeeded, result.message = true, got
    return result
  end
  result.raw_data = table.concat(lines, "\n")
  return result
end

function Dns:description(check)
  local text = ("%s record of %s"):format(check.record_type, check.hostname)
  if check.resolver ~= "" then text = text .. " at " .. check.resolver end
  return text
end

return Dns

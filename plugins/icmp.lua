-- Ping: sends ICMP echo requests to every instance that is linked to the check.
local forms, icmp = require "forms", require "icmp"

local Icmp = {
  name = "Ping", slug = "icmp", version = "1.0.0", author = "Moonwatch",
  summary = "Pings every linked instance.",
  font_icon = "glyphicon glyphicon-transfer",
  config_form = {
    forms.IntegerField{ "count", initial = 3, min_value = 1, max_value = 20, unit = "packets", help_text = "Packets to send to each instance" },
    forms.IntegerField{ "packet_size", initial = 56, min_value = 24, max_value = 1472, unit = "bytes", help_text = "Payload of a packet" },
    forms.DurationField{ "max_rtt", required = false, label = "Max RTT", placeholder = "100ms", help_text = "Fail when the mean round trip takes longer" },
    forms.FloatField{ "max_loss", initial = 0, min_value = 0, max_value = 100, unit = "%", help_text = "Fail when more packets than this are lost" },
  },
}

-- problem_of tells what is wrong with one instance's answer; nil is nothing.
local function problem_of(check, answer)
  if answer.error then return answer.error end
  if answer.received == 0 then return ("no reply to %d packets"):format(answer.sent) end
  if answer.loss > check.max_loss then
    return ("%.3g %% of %d packets lost (more than %.3g %%)"):format(answer.loss, answer.sent, check.max_loss)
  end
  if check.max_rtt and answer.avg > check.max_rtt then
    return ("mean round trip %.3g ms (more than %.3g ms)"):format(answer.avg * 1000, check.max_rtt * 1000)
  end
end

function Icmp:run(check, result)
  local instances, hosts = {}, {}
  for _, instance in ipairs(check.instance_set) do
    if instance.address ~= "" then
      instances[#instances + 1] = instance
      hosts[#hosts + 1] = instance.address
    end
  end
  if #hosts == 0 then -- nothing was looked at, so this is no pass
    result.unknown = true
    result.error = "No instance with an address is linked to this check"
    return result
  end

  -- The packets are spread over the time there is, a second apart at most.
  local options = { count = check.count, size = check.packet_size, interval = math.min(1, check.timeout / (2 * check.count)) }
  options.timeout = math.min(1, check.timeout / 4)
  local answers, problem, kind = icmp.ping(hosts, options)
  if not answers then
    result.unknown = kind == "denied"
    result.error = "Ping failed: " .. problem
    return result
  end

  local problems = {}
  for i, answer in ipairs(answers) do
    local name = instances[i].name
    if not answer.error then
      result:metric(name .. " loss", answer.loss, { unit = "%", fail = check.max_loss, min = 0, max = 100 })
      if answer.received > 0 then
        result:metric(name .. " rtt", answer.avg, { unit = "s", fail = check.max_rtt })
      end
    elseif answer.kind == "denied" then
      result.unknown = true
    end
    local why = problem_of(check, answer)
    if why then problems[#problems + 1] = ("%s (%s): %s"):format(name, hosts[i], why) end
  end
  result.error = table.concat(problems, "; ")
  result.succeeded = #problems == 0
  return result
end

function Icmp:description(check)
  local names = {}
  for _, instance in ipairs(check.instance_set) do
    names[#names + 1] = instance.address ~= "" and instance.address or instance.name
  end
  if #names == 0 then return "ICMP check without an instance" end
  return "ICMP check pointing towards " .. table.concat(names, ", ")
end

return Icmp

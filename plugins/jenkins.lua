-- Jenkins: looks at the last completed build of a job, and at how long the next
-- one has been waiting in the queue.
--
-- Messages: `Job X not found on Jenkins`, `Job "X" disabled on Jenkins`,
-- `Job "X" has blocked build waiting for 700s (> 10m)`, `Job "X" failing on Jenkins (2)`,
-- 2 being the failures in a row. When Jenkins itself cannot be asked the result is
-- unknown: that tells nothing of the job, and must not fail all jobs at once.
local forms, http, time, url = require "forms", require "http", require "time", require "url"

local Jenkins = {
  name = "Jenkins", slug = "jenkins", version = "1.0.0", author = "Moonwatch",
  summary = "Checks that a Jenkins job is enabled, builds, and does not wait too long.",
  font_icon = "fa fa-jenkins",
  settings_form = {
    forms.URLField{ "api", required = false, env = "JENKINS_API", label = "API", placeholder = "https://jenkins.example.org/",
      help_text = "Address of Jenkins. Else JENKINS_API is taken." },
    forms.CharField{ "user", required = false, env = "JENKINS_USER", help_text = "User name. Else JENKINS_USER is taken." },
    forms.CharField{ "password", required = false, env = "JENKINS_PASS", widget = forms.PasswordInput,
      help_text = "Password, or better an API token of that user. Else JENKINS_PASS is taken." },
  },
  config_form = {
    forms.CharField{ "job", max_length = 500, placeholder = "folder/deploy", help_text = "Name of the job, with its folders" },
    forms.IntegerField{ "max_queued_build_time", required = false, min_value = 1, unit = "minutes",
      help_text = "Fail when a build waits longer in the queue" },
    forms.IntegerField{ "allowed_consecutive_failures", initial = 0, min_value = 0,
      help_text = "Number of failed builds in a row that still pass" },
  },
}

local TREE = "buildable,inQueue,queueItem[inQueueSince,why],lastCompletedBuild[number,result,duration,url],lastStableBuild[number]"

local function address_of(api, job)
  local path = {}
  for part in job:gmatch("[^/]+") do path[#path + 1] = "job/" .. url.escape(part) end
  return api:match("^(.-)/*$") .. "/" .. table.concat(path, "/") .. "/api/json"
end

local function unknown(result, problem, raw)
  result.unknown, result.error, result.raw_data = true, problem, raw
  return result
end

local function is_table(value) return type(value) == "table" and value or nil end

function Jenkins:run(check, result)
  local settings, job = self.settings, check.job
  if settings.api == "" then return unknown(result, "JENKINS_API is not set") end
  local response, problem = http.get(address_of(settings.api, job), {
    query = { tree = TREE }, auth = settings.user ~= "" and { settings.user, settings.password } or nil })
  if not response then return unknown(result, "Error fetching from Jenkins - " .. problem) end
  if response.status == 404 then
    result.error, result.raw_data = "Job " .. job .. " not found on Jenkins", response.body
    return result
  elseif response.status ~= 200 then
    return unknown(result, "Error fetching from Jenkins - returned " .. response.status, response.body)
  end
  local status, mistake = response:json()
  if not is_table(status) or status.buildable == nil then
    return unknown(result, "Error fetching from Jenkins - " .. (mistake or "the answer is not that of a job"), response.body)
  end
  result.raw_data = response.body
  if status.buildable == false then
    result.error = ('Job "%s" disabled on Jenkins'):format(job)
    return result
  end

  local problems = {}
  local since = status.inQueue and tonumber((is_table(status.queueItem) or {}).inQueueSince)
  local waiting = since and math.max(time.now() - since / 1000, 0) or 0
  local longest = check.max_queued_build_time
  result:metric("queued", waiting, { unit = "s", fail = longest and longest * 60 })
  if longest and waiting > longest * 60 then
    problems[1] = ('Job "%s" has blocked build waiting for %ds (> %dm)'):format(job, waiting, longest)
  end

  local build = is_table(status.lastCompletedBuild)
  if build and build.result == nil then build = nil end -- it has no result yet
  if not build and #problems == 0 then return unknown(result, ('Job "%s" has no completed build on Jenkins'):format(job)) end
  if build then
    local failures = 0
    if build.result ~= "SUCCESS" then
      -- build numbers count on, so this takes aborted builds for failed ones, as Cabot did
      failures = math.max((tonumber(build.number) or 1) - (tonumber((is_table(status.lastStableBuild) or {}).number) or 0), 1)
    end
    result:metric("consecutive_failures", failures, { fail = check.allowed_consecutive_failures })
    if type(build.duration) == "number" then result:metric("duration", build.duration / 1000, "s") end
    if failures > check.allowed_consecutive_failures then
      problems[#problems + 1] = ('Job "%s" failing on Jenkins (%d)'):format(job, failures)
    end
    result.message = ("Build %s: %s"):format(tostring(build.number), tostring(build.result))
  end
  result.error = table.concat(problems, "; ")
  result.succeeded = #problems == 0
  if result.succeeded then result.raw_data = "" end
  return result
end

function Jenkins:description(check)
  return "Jenkins job " .. check.job
end

return Jenkins

local t = require "testing"

local URL = "https://ci.example/job/shop/job/deploy/api/json?tree=buildable%2CinQueue%2CqueueItem%5BinQueueSince%2Cwhy%5D%2ClastCompletedBuild%5Bnumber%2Cresult%2Cduration%2Curl%5D%2ClastStableBuild%5Bnumber%5D"

local function run(answer, config)
  t.settings{ api = "https://ci.example" }
  t.http("GET", URL, answer)
  config = config or {}
  config.job = "shop/deploy"
  return t.run(config)
end

local function job(result, number, stable)
  return { json = { buildable = true, inQueue = false, lastCompletedBuild = { number = number, result = result, duration = 1500 }, lastStableBuild = { number = stable } } }
end

return {
  test_passes = function()
    local result = run(job("SUCCESS", 7, 7))
    t.is_true(result.succeeded, result.error)
    t.equal(result.metrics.duration.value, 1.5)
  end,

  test_fails = function()
    t.equal(run(job("FAILURE", 9, 7)).error, 'Job "shop/deploy" failing on Jenkins (2)')
    t.is_true(run(job("FAILURE", 9, 7), { allowed_consecutive_failures = 2 }).succeeded)
  end,

  test_disabled = function()
    t.equal(run{ json = { buildable = false } }.error, 'Job "shop/deploy" disabled on Jenkins')
  end,

  test_not_found = function()
    t.equal(run{ status = 404 }.error, "Job shop/deploy not found on Jenkins")
  end,

  test_waits_too_long = function()
    t.at(1700000000)
    local answer = job("SUCCESS", 7, 7)
    answer.json.inQueue, answer.json.queueItem = true, { inQueueSince = 1699999300000 }
    t.equal(run(answer, { max_queued_build_time = 10 }).error, 'Job "shop/deploy" has blocked build waiting for 700s (> 10m)')
  end,

  test_jenkins_is_down = function()
    local result = run{ status = 503, body = "getting ready" }
    t.is_true(result.unknown)
    t.equal(result.error, "Error fetching from Jenkins - returned 503")
    t.is_true(t.run{ job = "shop/deploy" }.unknown)
  end,

  test_no_jenkins = function()
    t.equal(t.run{ job = "a" }.error, "JENKINS_API is not set")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ max_queued_build_time = 0 }
    t.is_nil(values)
    for _, field in ipairs{ "job", "max_queued_build_time" } do t.matches(errors[field], ".", field) end
  end,
}

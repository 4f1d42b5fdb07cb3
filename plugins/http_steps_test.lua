local t = require "testing"

local SHOP = "https://shop.example"

local function config(changes)
  local steps = {
    { name = "form", url = SHOP .. "/login", captures = 'csrf: regex value="([^"]+)"' },
    { name = "log in", url = "{{base}}/login", method = "POST", body = "csrf={{csrf|url}}&password={{password|url}}", text_match = "Welcome" },
    { name = "cart", url = "{{base}}/cart", json_path = "items[0].n", json_value = "3" },
  }
  for n, change in pairs(changes or {}) do
    for name, value in pairs(change) do steps[n][name] = value end
  end
  return { steps = steps, variables = "base: " .. SHOP .. "\npassword: open&sesame" }
end

local function prepare()
  t.http("GET", SHOP .. "/login", { body = '<input value="t0&k">', headers = { ["Set-Cookie"] = "before=1; Path=/" }, timings = { total = 0.1 } })
  t.http("POST", SHOP .. "/login", { status = 303, headers = { Location = "/home", ["Set-Cookie"] = "session=s3cret; Path=/" }, timings = { total = 0.2 } })
  t.http("GET", SHOP .. "/home", { body = "Welcome, ada", timings = { total = 0.2 } })
  t.http("GET", SHOP .. "/cart", { json = { items = { { n = 3 } } }, timings = { total = 0.3 } })
end

return {
  test_head_has_no_body = function()
    local function errors_of(step)
      step.name, step.url, step.method = "one", "https://shop.example/", "HEAD"
      local values, errors = t.clean{ steps = { step } }
      return values == nil and errors.steps
    end
    t.matches(errors_of{ text_match = "a" }, "HEAD")
    t.matches(errors_of{ captures = { a = "json a" } }, "HEAD")
    t.equal(errors_of{ captures = { a = "header Location" } }, false)
  end,

  test_passes = function()
    prepare()
    local result = t.run(config())
    t.equal(result.error, "")
    t.equal(result.metrics["3 cart"].value, 0.3)
    local requests = t.http_requests()
    t.equal(requests[2].body, "csrf=t0%26k&password=open%26sesame")
    t.equal(requests[2].headers.Cookie, "before=1")
    t.matches(requests[#requests].headers.Cookie, "session=s3cret")
  end,

  test_fails_at_a_step = function()
    prepare()
    local result = t.run(config{ [2] = { text_match = "Hello" } })
    t.equal(result.error, "Step 2 (log in): Failed to find match regex /Hello/ in response body")
    t.equal(result.raw_data, "Welcome, ada")
    t.equal(t.run(config{ [3] = { json_value = "4" } }).error, "Step 3 (cart): Wrong value at JSON path items[0].n: got 3 (expected 4)")
    t.equal(t.run(config{ [1] = { captures = "csrf: header X-Token" } }).error, "Step 1 (form): Failed to capture csrf: header X-Token")
  end,

  test_variable_missing = function()
    prepare()
    local result = t.run(config{ [2] = { url = "{{site}}/login" } })
    t.is_true(result.unknown)
    t.equal(result.error, "Step 2 (log in): there is no variable site")
  end,

  test_slow = function()
    prepare()
    local values = config()
    values.warn_after = "100ms"
    t.equal(t.run(values).severity, "WARNING")
  end,

  test_site_is_down = function()
    t.http("GET", SHOP .. "/login", nil, "connection refused by shop.example:443", "refused")
    t.equal(t.run(config()).error, "Step 1 (form): Request error occurred: connection refused by shop.example:443")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ steps = {} }
    t.is_nil(values)
    t.matches(errors.steps, ".")
    values, errors = t.clean(config{ [1] = { captures = "csrf: css input" } })
    t.is_nil(values)
    t.equal(errors, { steps = "In step 1, capture csrf: begin with json, regex or header." })
    values, errors = t.clean(config{ [2] = { status_code = "ok" } })
    t.is_nil(values)
    t.matches(errors["steps[1].status_code"], "^Enter a code")
  end,
}

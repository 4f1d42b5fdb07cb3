local t = require "testing"

return {
  test_each_user_is_told = function()
    t.setenv("CALCIUM_LEVEL", "9")
    t.is_true(t.send_alert{
      service = { name = "leg", page_url = "https://moon.example/s1", failing_checks = { { name = "left leg", error = "broken" } } },
      users = { { settings = { favorite_bone = "femur" } }, { settings = { favorite_bone = "tibia" } } },
      duty_officers = { { settings = { favorite_bone = "skull" } } },
    })
    local status = "Service leg reporting ERROR status: https://moon.example/s1. Checks failing: left leg (broken)"
    t.equal(t.log(), {
      { level = "info", message = status .. " - This is bad for your femur." },
      { level = "info", message = status .. " - This is bad for your tibia." },
    })
  end,

  test_nobody = function()
    t.is_true(t.send_alert{})
    t.equal(t.log(), {})
  end,

  test_too_long_a_bone = function()
    local values, errors = t.clean({ favorite_bone = ("x"):rep(101) }, "user")
    t.is_nil(values)
    t.matches(errors.favorite_bone, "100")
  end,
}

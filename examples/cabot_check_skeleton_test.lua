local t = require "testing"

return {
  test_bone_in_the_list = function()
    t.setenv("SKELETON_LIST_OF_BONES", "femur,tibia")
    t.is_true(t.run{ bone_name = "tibia" }.succeeded)
  end,

  test_unknown_bone = function()
    t.setenv("SKELETON_LIST_OF_BONES", "femur,tibia")
    local result = t.run{ bone_name = "wing" }
    t.equal(result.succeeded, false)
    t.equal(result.error, "wing is not in the list of bones")
  end,

  test_no_list = function()
    t.equal(t.run{ bone_name = "femur" }.error, "SKELETON_LIST_OF_BONES is notdefined in environment variables")
  end,

  test_no_bone = function()
    t.raises(function() t.run{} end, "bone_name: This field is required")
  end,

  test_description = function()
    t.equal(t.description{ bone_name = "femur" }, "Check whether femur is in list of bones.")
  end,
}

-- The check skeleton of Cabot's page "Writing Plugins", in Lua. README.md goes
-- through it line by line.
local forms = require "forms"

local SkeletonStatusCheckForm = {
  forms.CharField{ "bone_name",
    help_text = "Name of the bone to check",
  },
}

---@type moonwatch.check_plugin
local SkeletonStatusCheckPlugin = {
  name = "SkeletonStatusCheckPlugin",
  slug = "cabot_check_skeleton",
  author = "Jonathan Balls",
  version = "0.0.1",
  font_icon = "glyphicon glyphicon-skull",

  config_form = SkeletonStatusCheckForm,

  plugin_variables = {
    "SKELETON_LIST_OF_BONES",
  },
}

function SkeletonStatusCheckPlugin:run(check, result)
  local list_of_bones = os.getenv("SKELETON_LIST_OF_BONES")

  if not list_of_bones or list_of_bones == "" then
    result.succeeded = false
    -- word for word as on the page, where a blank is missing too
    result.error = "SKELETON_LIST_OF_BONES is not" ..
      "defined in environment variables"
    return result
  end

  for bone in list_of_bones:gmatch("[^,]+") do
    if bone == check.bone_name then
      result.succeeded = true
      return result
    end
  end

  result.succeeded = false
  result.error = ("%s is not in the list of bones"):format(check.bone_name)
  return result
end

function SkeletonStatusCheckPlugin:description(check)
  return ("Check whether %s is in list of bones."):format(check.bone_name)
end

return SkeletonStatusCheckPlugin

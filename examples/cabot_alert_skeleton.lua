-- The alert skeleton of Cabot's page "Writing Plugins", in Lua. README.md goes
-- through it line by line.
local forms = require "forms"
local log = require "log"

local SkeletonAlertUserSettingsForm = {
  forms.CharField{ "favorite_bone", max_length = 100 },
}

---@type moonwatch.alert_plugin
local SkeletonAlertPlugin = {
  name = "Skeleton",
  slug = "cabot_alert_skeleton",
  author = "Jonathan Balls",
  version = "0.0.1",
  font_icon = "fa fa-code",

  plugin_variables = { "CALCIUM_LEVEL" },

  user_config_form = SkeletonAlertUserSettingsForm,
}

function SkeletonAlertPlugin:send_alert(service, users, duty_officers)
  local calcium_level = os.getenv("CALCIUM_LEVEL") -- read, as on the page, and not used
  local message = service:get_status_message()
  for _, u in ipairs(users) do
    log.info(("%s - This is bad for your %s."):format(
      message,
      u.cabot_alert_skeleton_settings.favorite_bone))
  end

  return true
end

return SkeletonAlertPlugin

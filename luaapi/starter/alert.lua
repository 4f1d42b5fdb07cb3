-- My alert: posts each event of a service to a URL.
local forms, http, recipients = require "forms", require "http", require "recipients"

---@type moonwatch.alert_plugin
local MyAlert = {
  name = "My alert", slug = "my_alert", version = "0.1.0", channel = "chat",
  summary = "Posts each event of a service to a URL.",
  settings_form = {
    forms.URLField{ "url", help_text = "Where to post to" },
    forms.CharField{ "token", required = false, widget = forms.PasswordInput, help_text = "Sent as a bearer token" },
  },
  user_config_form = {
    forms.CharField{ "nickname", required = false, help_text = "How to call this user, if not by the username" },
  },
}

---@param service moonwatch.service
---@param users moonwatch.user[]
---@param duty_officers moonwatch.user[]
function MyAlert:send_alert(service, users, duty_officers)
  if self.settings.url == "" then
    return false, "There is no URL in the plugin's settings", { retry = false }
  end
  local names = {}
  for _, user in ipairs(recipients.chat(service, users, duty_officers)) do
    local nickname = user.my_alert_settings.nickname
    names[#names + 1] = nickname ~= "" and nickname or user.username
  end
  local text = service:get_status_message()
  if service.alert_kind == "test" then text = "Test: " .. text end -- it reads as if it were real
  local headers = {}
  if self.settings.token ~= "" then headers.Authorization = "Bearer " .. self.settings.token end
  local response, problem = http.post(self.settings.url, {
    headers = headers,
    json = { text = text, mention = names, id = service.delivery_id },
  })
  if not response then return false, "No answer: " .. problem end
  if response.status == 429 then
    return false, "Too many messages", { retry_after = tonumber(response.headers["Retry-After"]) or 60 }
  end
  if response.status >= 300 then return false, "Got status " .. response.status end
  return true
end

return MyAlert

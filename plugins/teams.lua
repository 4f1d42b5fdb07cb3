-- Microsoft Teams: an Adaptive Card in a channel or chat for each event, through a
-- workflow of Power Automate. To make one: in the channel's menu choose Workflows,
-- "Post to a channel when a webhook request is received", and copy its URL. (The
-- Office 365 connectors, which had webhooks before, are retired.)
local forms, http, json, url, utf8 = require "forms", require "http", require "json", require "url", require "utf8"
local recipients, chat = require "recipients", require "shipped.chat"

local PATIENCE = 25 -- seconds for an answer: workflows are slow to start
local web_address = chat.web_address

local Teams = {
  name = "Microsoft Teams", slug = "teams", version = "1.0.0", author = "Moonwatch",
  summary = "Posts a card to a Teams channel or chat and mentions those whom it concerns.",
  font_icon = "fa fa-users", channel = "chat", needs = { "workflow_url" }, homepage = "https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498",
  settings_form = {
    forms.CharField{ "workflow_url", required = false, widget = forms.PasswordInput, env = "TEAMS_WORKFLOW_URL", label = "Workflow URL", clean = web_address,
      placeholder = "https://…/workflows/…/triggers/manual/paths/invoke?…", help_text = "Workflow of services that have none of their own. Else TEAMS_WORKFLOW_URL is taken." },
  },
  service_config_form = {
    forms.CharField{ "workflow_url", required = false, widget = forms.PasswordInput, label = "Workflow URL", clean = web_address,
      help_text = "Workflow of this service's channel or chat, if not the one of the settings" },
  },
  user_config_form = {
    forms.CharField{ "upn", required = false, max_length = 200, label = "User principal name", placeholder = "ada@example.org",
      help_text = "The name you log in to Teams with, or your Entra object ID: by it you are mentioned" },
  },
}

local COLOURS = { PASSING = "good", WARNING = "warning", ERROR = "attention", CRITICAL = "attention" }

-- Teams drops what is over 28 KB, without a word, and counts two bytes a character
-- where it is not told otherwise: half of that is good in any case.
local MOST_BYTES = 14000
local UNIT = "utf16"
local BREAK = "\226\128\139" -- a zero-width space: what it parts is no markup or address any more

-- Markdown of text blocks: a backslash escapes. <at> would be taken for a mention,
-- &lt; for a <, and {{DATE(…)}} for a date.
local function escape(text)
  return (text:gsub("[\\*_%[%]`~]", "\\%0"):gsub("<", "‹"):gsub(">", "›"):gsub("&(#?%w+;)", "&" .. BREAK .. "%1"):gsub("{{", "{" .. BREAK .. "{")
    :gsub("://", ":" .. BREAK .. "//"))
end

local STYLE = { unit = UNIT, escape = escape, strong = "", remark = 400, link = function(_, text) return utf8.line(text, 150, UNIT, escape) end }

local function block_of(check)
  local address, runbook = url.link(check.page_url), url.link(check.runbook_link)
  local name = utf8.line(check.name, 150, UNIT, escape)
  if address ~= "" then name = "[" .. name .. "](" .. address .. ")" end
  local text = "**" .. name .. "** (" .. check.severity .. ")"
  if check.error ~= "" then text = text .. ": " .. utf8.line(check.error, 300, UNIT, escape) end
  if runbook ~= "" then text = text .. " [Runbook](" .. runbook .. ")" end
  return { type = "TextBlock", text = text, wrap = true, spacing = "Small" }
end

-- mentions gives the entities that Teams wants, and the text that they stand for.
local function mentions(users)
  local entities, texts, room = {}, {}, MOST_BYTES / 3
  for _, user in ipairs(users) do
    local id = user.teams_settings.upn
    if id ~= "" then
      local text = "<at>" .. utf8.line(user.username, 50, UNIT, escape) .. "</at>"
      local entity = { type = "mention", text = text, mentioned = { id = id, name = utf8.line(user.username, 50, UNIT) } }
      room = room - #json.encode(entity) - #text
      if room < 0 then break end
      entities[#entities + 1], texts[#texts + 1] = entity, text
    end
  end
  return entities, table.concat(texts, " ")
end

local function card_of(service, whom)
  local entities, mentioned = mentions(whom)
  local title = chat.headline(service, STYLE)
  local page, runbook = url.link(service.incident_url), url.link(service.runbook_link)
  local actions = {}
  if page ~= "" then actions[1] = { type = "Action.OpenUrl", title = "Open", url = page } end
  if runbook ~= "" then actions[#actions + 1] = { type = "Action.OpenUrl", title = "Runbook", url = runbook } end
  local card = {
    ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json", type = "AdaptiveCard", version = "1.4",
    body = { { type = "TextBlock", text = title, size = "Medium", weight = "Bolder", wrap = true, color = COLOURS[service.overall_status] } },
    actions = actions, msteams = { width = "Full", entities = entities },
    fallbackText = title .. (page ~= "" and ": " .. page or ""),
  }
  local people = mentioned ~= "" and { type = "TextBlock", text = mentioned, wrap = true } or nil
  local blocks, sizes = {}, {}
  for i, check in ipairs(service:all_failing_checks()) do
    blocks[i] = block_of(check)
    sizes[i] = json.encode(blocks[i])
  end
  local room = MOST_BYTES - #json.encode(card) - (people and #json.encode(people) or 0) - 500 -- for what is around the card
  local _, shown = utf8.fit(sizes, room, { unit = "bytes" })
  for i = 1, shown do card.body[i + 1] = blocks[i] end
  if shown < #blocks then card.body[#card.body + 1] = { type = "TextBlock", text = "… and " .. #blocks - shown .. " more" } end
  card.body[#card.body + 1] = people
  return card
end

-- refusal reads Power Automate's { error = { code, message } }.
local function refusal(response)
  local problem = chat.object(chat.object(response:json()).error)
  local what = problem.message
  if problem.code == "DirectApiAuthorizationRequired" or problem.code == "AuthorizationFailed" then
    what = "its trigger must let anyone call it, and the URL must be whole"
  end
  return chat.refusal("The Teams workflow", response, what)
end

function Teams:send_alert(service, users, duty_officers)
  local own = service.teams_settings
  local address = own.workflow_url ~= "" and own.workflow_url or self.settings.workflow_url
  if address == "" then return false, "Neither this service nor the plugin's settings have a workflow URL" end
  local response, problem = http.post(address, { redirects = false, timeout = PATIENCE, json = {
    type = "message",
    attachments = { { contentType = "application/vnd.microsoft.card.adaptive", content = card_of(service, recipients.chat(service, users, duty_officers)) } },
  } })
  if not response then return false, "The Teams workflow could not be reached: " .. problem end
  -- 202: the workflow has begun. What becomes of it, only its own run history tells.
  if response.status == 200 or response.status == 202 then return true end
  return refusal(response)
end

Teams.send_alert_update = Teams.send_alert

return Teams

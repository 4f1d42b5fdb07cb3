local t = require "testing"

local FLOW = "https://flow.example.org/workflows/1/triggers/manual/paths/invoke?sig=abcdef"

local function send(service, users)
  return t.send_alert{ settings = { workflow_url = FLOW }, service = service, users = users }
end

-- card gives the card of the n-th message.
local function card(n) return t.http_requests()[n]:json().attachments[1].content end

return {
  test_firing = function()
    t.http("POST", FLOW, { status = 202 })
    t.is_true(send({ name = "Shop", runbook_link = "https://wiki.example/shop", failing_checks = { { name = "front", error = "timed out" } } },
      { { username = "ada", settings = { upn = "ada@example.org" } } }))
    local c = card(1)
    t.equal({ c.type, c.body[1].text, c.body[1].color }, { "AdaptiveCard", "Service Shop reporting ERROR status", "attention" })
    t.matches(c.body[2].text, "front.*timed out")
    t.equal(c.msteams.entities, { { type = "mention", text = "<at>ada</at>", mentioned = { id = "ada@example.org", name = "ada" } } })
    t.equal(c.actions[2].url, "https://wiki.example/shop")
  end,

  test_recovery = function()
    t.http("POST", FLOW, { status = 202 })
    t.is_true(send{ name = "Shop", alert_kind = "recovery" })
    t.equal({ card(1).body[1].text, card(1).body[1].color }, { "Service Shop is back to normal", "good" })
  end,

  test_switched_off = function()
    t.http("POST", FLOW, { status = 400, json = { error = { code = "WorkflowTriggerIsNotEnabled", message = "The trigger is disabled." } } })
    local ok, why = send{}
    t.equal(ok, false)
    t.equal(why, "The Teams workflow answered 400: The trigger is disabled.")
  end,

  test_no_settings = function()
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.matches(why, "workflow URL$")
  end,
}

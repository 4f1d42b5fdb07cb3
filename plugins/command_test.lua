local t = require "testing"

local MEND = "/usr/local/bin/mend"

local function send(fields, service)
  service = service or {}
  service.settings = { command = MEND }
  for name, value in pairs(fields or {}) do service.settings[name] = value end
  return t.send_alert{ service = service }
end

return {
  test_arguments = function()
    t.exec({ MEND, "--service", "Shop 'n' Co", "{nothing}" }, { code = 0, stdout = "done" })
    t.is_true(send({ arguments = "--service {service} '{nothing}'" }, { name = "Shop 'n' Co" }))
    t.equal(t.log()[1].message, "done")
  end,

  test_kinds = function()
    t.equal(send({}, { alert_kind = "recovery" }), "skipped")
    t.equal(send({ least = "CRITICAL" }, { overall_status = "ERROR" }), "skipped")
    t.exec({ MEND }, { code = 0 })
    t.is_true(send({ kinds = { "recovery" } }, { alert_kind = "recovery" }))
    t.is_true(send({}, { alert_kind = "test" }))
  end,

  test_failure = function()
    t.exec({ MEND }, { code = 4, stderr = "first\nno such unit\n" })
    local ok, why, options = send()
    t.equal(ok, false)
    t.equal(why, MEND .. " exited with code 4: no such unit")
    t.equal(options, { retry = false })
    ok, why, options = send{ again = true }
    t.is_nil(options)
  end,

  test_bad_configuration = function()
    local _, errors = t.clean({ command = "ls", arguments = "'open" }, "service")
    t.matches(errors.command, "absolute path")
    t.matches(errors.arguments, "quotes")
    local ok, why = t.send_alert{}
    t.equal(ok, false)
    t.equal(why, "This service has no command")
  end,
}

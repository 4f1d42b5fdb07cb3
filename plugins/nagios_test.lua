local t = require "testing"

local PATH = "/usr/lib/nagios/plugins/check_disk"

local function run(answer, message, kind)
  t.exec({ PATH, "-w", "10 %" }, answer, message, kind)
  return t.run{ command = PATH, arguments = "-w '10 %'" }
end

return {
  test_passes = function()
    local result = run{ stdout = "DISK OK - free space|'/ free'=2643MB;5948;~:5958;0;5968 /boot=68%\n" }
    t.equal(result.message, "DISK OK - free space")
    t.equal(result.metrics["/ free"], { name = "/ free", value = 2643, unit = "MB", warn = 5948, fail = 5958, min = 0, max = 5968 })
    t.equal(result.metrics["/boot"], { name = "/boot", value = 68, unit = "%" })
  end,

  test_exit_codes = function()
    for code, want in pairs{ [1] = { severity = "WARNING" }, [2] = { severity = "CRITICAL" }, [3] = { unknown = true }, [64] = { unknown = true } } do
      t.exec({ PATH, "" .. code }, { code = code, stdout = "DISK\nlong text\n" })
      local result = t.run{ command = PATH, arguments = "" .. code }
      t.equal(result.error, code == 64 and "Exit code 64: DISK" or "DISK")
      t.equal(result.severity, want.severity)
      t.equal(result.unknown, want.unknown or false)
      t.equal(result.raw_data, "DISK\nlong text\n")
    end
  end,

  test_killed = function()
    local result = run{ signal = "SIGSEGV" }
    t.is_true(result.unknown)
    t.equal(result.error, "check_disk was ended by SIGSEGV")
  end,

  test_not_allowed = function()
    local result = run(nil, PATH .. " is not allowed", "denied")
    t.is_true(result.unknown)
    t.equal(result.error, PATH .. " is not allowed")
  end,

  test_hangs = function()
    local result = run({ stdout = "waiting for /mnt\n", stderr = "slow" }, PATH .. " did not end in time", "timeout")
    t.equal(result.unknown, false)
    t.equal(result.error, PATH .. " did not end in time")
    t.equal(result.raw_data, "waiting for /mnt\n\nslow")
  end,

  test_bad_configuration = function()
    local values, errors = t.clean{ command = "check_disk" }
    t.is_nil(values)
    t.equal(errors, { command = "Enter the whole path of the program, beginning with /." })
    values, errors = t.clean{ command = PATH, arguments = "-w '10" }
    t.is_nil(values)
    t.matches(errors.arguments, "^This cannot be parted into words")
  end,
}

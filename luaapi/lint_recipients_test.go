package luaapi

import (
	"strings"
	"testing"
)

// TestLintLoopsOverBothLists holds that a loop over users and one over
// duty_officers is found, in every way to write them: who is in both is told twice.
func TestLintLoopsOverBothLists(t *testing.T) {
	const head = `local log, recipients = require "log", require "recipients"
local A = { name = "A", slug = "a", version = "1" }
local function tell(user) log.info(user.username) end
local function tell_all(list) for _, user in ipairs(list) do tell(user) end end
local function tell_both(one, other) tell_all(one) tell_all(other) end
local function names_of(list) local names = {} for i, user in ipairs(list) do names[i] = user.username end return names end
function A:send_alert(service, users, duty_officers)
`
	const tail = "\n  log.info(service.name, { all = #recipients.all(users, duty_officers) }) names_of(users) tell_both({}, {}) tell_all({})\n  return true\nend\nreturn A\n"
	const message = ": somebody can be in both users and duty_officers, and is told twice: loop over recipients.all(users, duty_officers) [twice]"
	for name, tt := range map[string]struct{ body, at string }{
		"two loops":      {"for _, user in ipairs(users) do tell(user) end\nfor _, user in ipairs(duty_officers) do tell(user) end", "9:1"},
		"other order":    {"for _, user in pairs(duty_officers) do tell(user) end\nfor _, user in pairs(users) do tell(user) end", "9:1"},
		"by number":      {"for i = 1, #users do tell(users[i]) end\nfor i = 1, #duty_officers do tell(duty_officers[i]) end", "9:1"},
		"a list of both": {"for _, list in ipairs{ users, duty_officers } do for _, user in ipairs(list) do tell(user) end end", "8:1"},
		"helper":         {"tell_all(users)\ntell_all(duty_officers)", "9:1"},
		"helper of both": {"tell_both(users, duty_officers)", "8:1"},
		"in a branch":    {"for _, user in ipairs(users) do tell(user) end\nif service.overall_status == 'CRITICAL' then\n  for _, user in ipairs(duty_officers) do tell(user) end\nend", "10:3"},
		"one list":       {"for _, user in ipairs(users) do tell(user) end", ""},
		"all":            {"for _, user in ipairs(recipients.all(users, duty_officers)) do tell(user) end", ""},
		"told apart":     {"local seen = {}\nfor _, user in ipairs(users) do seen[user.id] = true tell(user) end\nfor _, user in ipairs(duty_officers) do if not seen[user.id] then tell(user) end end", ""},
		"only described": {"log.info('x', { users = names_of(users), officers = names_of(duty_officers) })", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range lintText(t, "a.lua", head+tt.body+tail) {
				if strings.Contains(f, "[twice]") {
					got = append(got, f)
				}
			}
			switch {
			case tt.at == "" && len(got) != 0:
				t.Errorf("got %q, want nothing", got)
			case tt.at != "" && (len(got) != 1 || got[0] != tt.at+message):
				t.Errorf("got %q, want %q", got, tt.at+message)
			}
		})
	}
}

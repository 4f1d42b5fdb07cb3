package module

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestRecipients(t *testing.T) {
	b := newBench(t, nil)
	b.gives(`ann, bob, cid = { id = "1", username = "ann" }, { id = "2", username = "bob" }, { id = "3", username = "cid" }
		function names(list) local t = {} for i, u in ipairs(list) do t[i] = u.username end return table.concat(t, " ") end
		function service(kind, status, worst, old) return { alert_kind = kind, overall_status = status, worst_status = worst or status, old_overall_status = old or "PASSING" } end
		U, O = { ann, bob }, { bob, cid }`, "")
	b.gives(`return names(recipients.all(U, O)), names(recipients.all({}, {})), names(recipients.all({}, O))`, "ann bob cid |  | bob cid")
	const none, officers, users, all = "", "bob cid", "ann bob", "ann bob cid"
	tests := []struct{ kind, status, worst, chat, phone, sms, email string }{
		{"firing", "WARNING", "WARNING", none, none, all, users},
		{"firing", "ERROR", "ERROR", all, none, all, users},
		{"firing", "CRITICAL", "CRITICAL", all, officers, all, all},
		{"escalation", "ERROR", "ERROR", all, none, all, users},
		{"escalation", "CRITICAL", "CRITICAL", all, officers, all, all},
		{"deescalation", "WARNING", "CRITICAL", none, none, none, all},
		{"deescalation", "ERROR", "CRITICAL", none, none, none, all},
		{"update", "CRITICAL", "CRITICAL", none, none, none, all},
		{"repeat", "CRITICAL", "CRITICAL", none, officers, all, all},
		{"repeat", "ERROR", "CRITICAL", none, none, all, all},
		{"recovery", "PASSING", "WARNING", none, none, all, users},
		{"recovery", "PASSING", "ERROR", all, none, all, users},
		{"recovery", "PASSING", "CRITICAL", all, none, all, all},
		{"acknowledged", "CRITICAL", "CRITICAL", none, none, all, all},
	}
	for _, tt := range tests {
		b.global("s", lua.LNil)
		b.gives(`s = service("`+tt.kind+`", "`+tt.status+`", "`+tt.worst+`")
			return names(recipients.chat(s, U, O)), names(recipients.phone(s, U, O)), names(recipients.sms(s, U, O)), names(recipients.email(s, U, O))`,
			tt.chat+" | "+tt.phone+" | "+tt.sms+" | "+tt.email)
	}
	test := `s = service("test", "WARNING") return names(recipients.chat(s, {ann}, {})), names(recipients.phone(s, {ann}, {bob})), names(recipients.sms(s, {ann}, {ann})), names(recipients.email(s, {ann}, {}))`
	b.gives(test, "ann | ann | ann | ann")
	b.gives(`return #recipients.chat(s, {}, {})`, "0")
	for script, want := range map[string]string{
		`recipients.all()`:              "bad argument #1 to recipients.all: users must be a table, got nil",
		`recipients.all({}, 1)`:         "duty_officers must be a table, got a number",
		`recipients.all({ "ann" }, {})`: "bad argument to recipients.all: list 1 must hold users, got text at 1",
		`recipients.chat({}, {})`:       "duty_officers must be a table, got nil",
		`recipients.chat(nil, {}, {})`:  "service must be a service, got nil",
		`recipients.phone("s", {}, {})`: "service must be a service, got text",
	} {
		b.raises(script, want)
	}
}

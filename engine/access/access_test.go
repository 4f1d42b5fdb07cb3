package access

import "testing"

func TestRoles(t *testing.T) {
	roles := Roles()
	for i, have := range roles {
		for j, need := range roles {
			if got, want := have.Can(need), i >= j; got != want {
				t.Errorf("%s.Can(%s) = %v, want %v", have, need, got, want)
			}
		}
		if got, err := ParseRole(string(have)); got != have || err != nil {
			t.Errorf("ParseRole(%s) = %s, %v", have, got, err)
		}
		if have.Can("owner") || Role("owner").Can(have) || Role("").Can("") {
			t.Errorf("an unknown role can do something")
		}
	}
	for _, bad := range []string{"", "Admin", "root", " viewer"} {
		if got, err := ParseRole(bad); err == nil {
			t.Errorf("ParseRole(%q) = %s, want an error", bad, got)
		}
	}
}

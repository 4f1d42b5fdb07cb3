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
		if have.Can("owner") || Role("owner").Can(have) || Role("").Can("") {
			t.Errorf("an unknown role can do something")
		}
	}
}

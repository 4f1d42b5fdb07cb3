package cli

import (
	"encoding/json"
	"testing"

	"moonwatch/luaapi/describe"
)

// TestContractReference holds that nothing of the reference is lost on its way to the page.
func TestContractReference(t *testing.T) {
	got, err := json.Marshal(contractReference().Sections)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(describe.Sections())
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got %.2000s, want %.2000s", got, want)
	}
}

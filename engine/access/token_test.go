package access

import (
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	plain, hash := NewToken("mw_")
	if !strings.HasPrefix(plain, "mw_") || len(plain) != 3+43 {
		t.Errorf("token has %d characters, want mw_ and 43", len(plain))
	}
	if HashToken(plain) != hash || len(hash) != 64 {
		t.Errorf("hash %q is not that of the token", hash)
	}
	if again, _ := NewToken("mw_"); again == plain {
		t.Error("two tokens are equal")
	}
	want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := HashToken("abc"); got != want {
		t.Errorf("HashToken(abc) = %s, want %s", got, want)
	}
}

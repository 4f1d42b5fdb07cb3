package access

import (
	"strings"
	"testing"
)

func TestPasswordRoundTrip(t *testing.T) {
	hash, err := HashPassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash begins %.40q", hash)
	}
	if !VerifyPassword(hash, "correct horse battery") {
		t.Error("the right password is refused")
	}
	if VerifyPassword(hash, "correct horse batterz") {
		t.Error("a wrong password passes")
	}
	other, err := HashPassword("correct horse battery")
	if err != nil || other == hash {
		t.Errorf("two hashes are equal, or %v: the salt is not fresh", err)
	}
}

func TestVerifyReadsParameters(t *testing.T) {
	hash, err := HashPassword("some password")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "x", "$argon2id$", "$2a$10$abc",
		strings.Replace(hash, "argon2id", "argon2i", 1),
		strings.Replace(hash, "v=19", "v=16", 1),
		strings.Replace(hash, "m=19456", "m=99999999", 1),
		strings.Replace(hash, "m=19456", "m=1", 1),
		strings.Replace(hash, "t=2", "t=4000000", 1),
		strings.Replace(hash, "t=2", "t=0", 1),
		strings.Replace(hash, "p=1", "p=0", 1),
		strings.Replace(hash, "p=1", "p=999", 1),
		strings.Replace(hash, "p=1", "p=1,q=1", 1),
		hash[:len(hash)-30],
		hash[:strings.LastIndex(hash, "$")+1],
	} {
		if _, _, _, err := parseHash(bad); err == nil {
			t.Errorf("parseHash(%q) passes", bad)
		}
	}
	if VerifyPassword("", "") || VerifyPassword("$argon2id$", "some password") {
		t.Error("a hash that does not parse matches")
	}
}

func TestHashPasswordRefuses(t *testing.T) {
	for _, bad := range []string{"", strings.Repeat("x", 801)} {
		if _, err := HashPassword(bad); err == nil {
			t.Errorf("a password of %d bytes is hashed", len(bad))
		}
	}
}

func TestCheckPassword(t *testing.T) {
	tests := []struct {
		password, username string
		ok                 bool
	}{
		{"correct horse", "ada", true},
		{"lowercaseonlyx", "ada", true},
		{"žluťoučký k", "ada", true},
		{strings.Repeat("žq", 100), "ada", true},
		{"short", "ada", false},
		{"123456789", "ada", false},
		{"1234567890", "ada", false},
		{"aaaaaaaaaaaa", "ada", false},
		{"            ", "ada", false},
		{"žžžžžžžžžžžž", "ada", false},
		{"Password123!", "ada", false},
		{"qwertyuiop", "ada", false},
		{"Ada.Lovelace", "ada.lovelace", false},
		{strings.Repeat("žq", 100) + "x", "ada", false},
		{"with\x00null byte", "ada", false},
		{"with\xffbad bytes", "ada", false},
	}
	for _, tt := range tests {
		err := CheckPassword(tt.password, tt.username)
		if (err == nil) != tt.ok {
			t.Errorf("CheckPassword(%q) = %v, want ok %v", tt.password, err, tt.ok)
		}
		if err != nil && strings.TrimSpace(tt.password) != "" && strings.Contains(err.Error(), tt.password) {
			t.Errorf("the error holds the password: %v", err)
		}
	}
}

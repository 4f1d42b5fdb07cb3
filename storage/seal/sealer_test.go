package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"moonwatch/engine/form"
)

func newTestSealer(t *testing.T, file, env string) *Sealer {
	t.Helper()
	s, err := Open(file, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data", "secret.key")
	s := newTestSealer(t, file, "")
	for _, secret := range []string{"", "hunter2", strings.Repeat("long", 10000)} {
		sealed, err := s.Seal("check 1", "password", []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		if secret != "" && strings.Contains(string(sealed), secret) {
			t.Errorf("the sealed text shows the secret: %.80s", sealed)
		}
		again := newTestSealer(t, file, "")
		got, err := again.Open("check 1", "password", sealed)
		if err != nil || string(got) != secret {
			t.Errorf("Open = %.20q, %v; want %.20q", got, err, secret)
		}
	}
	one, _ := s.Seal("a", "b", []byte("same"))
	two, _ := s.Seal("a", "b", []byte("same"))
	if one == two {
		t.Error("sealed twice, the text is the same")
	}
}

func TestSealerWrongPlace(t *testing.T) {
	s := newTestSealer(t, "", strings.Repeat("ab", 32))
	sealed, err := s.Seal("check 1", "password", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(sealed)
	last := text[:len(text)-2] + "A" + text[len(text)-1:]
	if last == text {
		last = text[:len(text)-2] + "B" + text[len(text)-1:]
	}
	for _, test := range []struct{ name, object, field, sealed string }{
		{"object", "check 2", "password", text},
		{"field", "check 1", "token", text},
		{"shifted parts", "check 1p", "assword", text},
		{"changed", "check 1", "password", last},
		{"short", "check 1", "password", text[:20]},
		{"no text", "check 1", "password", ""},
		{"plain", "check 1", "password", "hunter2"},
		{"version", "check 1", "password", "mw9" + text[3:]},
		{"no base64", "check 1", "password", text[:13] + "!!!"},
	} {
		if got, err := s.Open(test.object, test.field, form.Sealed(test.sealed)); !errors.Is(err, ErrNotSealed) {
			t.Errorf("%s: Open = %q, %v; want ErrNotSealed", test.name, got, err)
		}
	}
}

func TestSealerWrongKey(t *testing.T) {
	a := newTestSealer(t, "", strings.Repeat("ab", 32))
	b := newTestSealer(t, "", strings.Repeat("cd", 32))
	sealed, err := a.Seal("o", "f", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Open("o", "f", sealed)
	if err == nil || !strings.Contains(err.Error(), "sealed with another key") || !strings.Contains(err.Error(), a.Fingerprint()) {
		t.Errorf("Open = %v", err)
	}
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("two keys have one fingerprint")
	}
}

func TestSealerEnvironment(t *testing.T) {
	key := bytes.Repeat([]byte{0xab}, 32)
	want := newTestSealer(t, "", hex.EncodeToString(key)).Fingerprint()
	for _, text := range []string{
		"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s", " " + hex.EncodeToString(key) + "\n",
	} {
		if got := newTestSealer(t, "", text).Fingerprint(); got != want {
			t.Errorf("%q gives another key", text)
		}
	}
	file := filepath.Join(t.TempDir(), "secret.key")
	for _, text := range []string{"short", strings.Repeat("ab", 31), strings.Repeat("zz", 32)} {
		if _, err := Open(file, text); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("Open with a bad key: %v", err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a key file was made though the environment has a key")
	}
}

func TestKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret.key")
	var wg sync.WaitGroup
	prints := make([]string, 8)
	for i := range prints {
		wg.Go(func() {
			if s, err := Open(file, ""); err != nil {
				t.Error(err)
			} else {
				prints[i] = s.Fingerprint()
			}
		})
	}
	wg.Wait()
	for _, p := range prints {
		if p != prints[0] {
			t.Errorf("made at the same time, the keys differ: %q", prints)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, %v", info.Mode(), err)
	}
	if list, _ := os.ReadDir(filepath.Dir(file)); len(list) != 1 {
		t.Errorf("files are left behind: %v", list)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file, ""); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("with mode %o Open = %v", mode, err)
		}
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, ""); err == nil || strings.Contains(err.Error(), "not a key") {
		t.Errorf("with a damaged file Open = %v", err)
	}
}

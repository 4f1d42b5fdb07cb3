package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Bounds on passwords, in characters.
const (
	MinPassword = 10
	MaxPassword = 200
)

// cost is what a password hash takes: OWASP's parameters for argon2id.
type cost struct {
	memory  uint32 // KiB
	rounds  uint32
	threads uint8
}

const (
	saltBytes = 16
	hashBytes = 32
)

// hashing is what new hashes take, and looking for a user who is not there.
var hashing = cost{memory: 19 << 10, rounds: 2, threads: 1}

// HashCheaply makes what the process hashes from now on cost next to nothing. It is
// for the beginning of tests that log in often: nothing else may call it, and
// TestOnlyTestsHashCheaply holds that.
func HashCheaply() { hashing = cost{memory: 64, rounds: 1, threads: 1} }

// HashPassword hashes password with argon2id and a fresh salt, as a PHC string.
// It takes some 20 ms and 19 MiB of memory.
func HashPassword(password string) (string, error) {
	if password == "" || len(password) > 4*MaxPassword {
		return "", errors.New("hashing a password: it is empty or too long")
	}
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("making the salt of a password: %w", err)
	}
	c := hashing
	sum := argon2.IDKey([]byte(password), salt, c.rounds, c.memory, c.threads, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.rounds, c.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// VerifyPassword reports whether hash is a hash of password. The comparison
// takes constant time. A hash that does not parse (such as "" for a user who is
// not there) costs as much as one that does, and never matches.
func VerifyPassword(hash, password string) bool {
	if len(password) > 4*MaxPassword {
		password = ""
	}
	c, salt, want, err := parseHash(hash)
	if err != nil {
		c = hashing
		argon2.IDKey([]byte(password), make([]byte, saltBytes), c.rounds, c.memory, c.threads, hashBytes)
		return false
	}
	got := argon2.IDKey([]byte(password), salt, c.rounds, c.memory, c.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && password != ""
}

// parseHash reads a PHC string, and refuses parameters that would cost more
// than a login may: 256 MiB, 16 rounds, 16 threads.
func parseHash(hash string) (c cost, salt, sum []byte, err error) {
	bad := errors.New("this is no argon2id hash")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.rounds, &c.threads); err != nil {
		return c, nil, nil, bad
	}
	if parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", c.memory, c.rounds, c.threads) {
		return c, nil, nil, bad
	}
	if c.memory < 8*uint32(c.threads) || c.memory > 256<<10 || c.rounds < 1 || c.rounds > 16 || c.threads < 1 || c.threads > 16 {
		return c, nil, nil, bad
	}
	salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return c, nil, nil, bad
	}
	sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || len(sum) < 16 || len(sum) > 64 {
		return c, nil, nil, bad
	}
	return c, salt, sum, nil
}

// CheckPassword says what is wrong with a new password. As NIST 800-63B has it,
// there are no rules on which characters it holds: it must be long enough, and
// not among those that are guessed first. The error never holds the password.
func CheckPassword(password, username string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password) || strings.IndexByte(password, 0) >= 0:
		return errors.New("the password must be text")
	case n < MinPassword:
		return fmt.Errorf("the password must have at least %d characters", MinPassword)
	case n > MaxPassword:
		return fmt.Errorf("the password must have at most %d characters", MaxPassword)
	case strings.EqualFold(password, username):
		return errors.New("the password must not be the username")
	case common(password):
		return errors.New("this password is too easy to guess")
	}
	return nil
}

// common reports whether password is one that is tried first: one character
// over and over, a run along the alphabet or a keyboard, or a well-known one.
func common(password string) bool {
	p := strings.ToLower(strings.TrimSpace(password))
	_, size := utf8.DecodeRuneInString(p)
	if p == "" || strings.ReplaceAll(p, p[:size], "") == "" {
		return true
	}
	for _, run := range []string{
		"012345678901234567890123456789", "098765432109876543210987654321",
		"abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qwerty1234567890", "qwerty123456789", "abc1234567890", "abcd1234567890",
	} {
		if strings.Contains(run, p) {
			return true
		}
	}
	stem := strings.TrimRight(p, "0123456789!.?*#$")
	switch stem {
	case "password", "passw0rd", "p@ssw0rd", "p@ssword", "letmein", "iloveyou", "welcome", "administrator",
		"changeme", "moonwatch", "monitoring", "passwordpassword", "adminadmin", "qwertyuiop", "admin", "root", "secret":
		return true
	}
	return false
}

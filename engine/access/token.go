package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// TokenPrefix begins every API token.
const TokenPrefix = "mw_"

// NewToken makes a token of 256 random bits after a prefix that tells what it is
// for, such as TokenPrefix. plain is shown once; hash, which HashToken gives as well, is kept.
func NewToken(prefix string) (plain, hash string) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand ends the process instead
	plain = prefix + base64.RawURLEncoding.EncodeToString(secret)
	return plain, HashToken(plain)
}

// HashToken is the SHA-256 of a token in hexadecimal. A token has so much
// chance in it that a slow hash would add nothing.
func HashToken(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

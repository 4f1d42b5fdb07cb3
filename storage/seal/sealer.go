package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// Sealer encrypts secrets with XChaCha20-Poly1305 under one key of 32 bytes. It
// is safe for concurrent use.
//
// Sealed text is "mw1.FINGERPRINT.BASE64", the base64 being a random nonce and
// the ciphertext; object and field are authenticated with it.
type Sealer struct {
	aead        cipher.AEAD
	fingerprint string
}

var _ engine.Sealer = (*Sealer)(nil)

const (
	format = "mw1"
	// maxSecret bounds what can be sealed, in bytes.
	maxSecret = 1 << 20
)

// ErrNotSealed is wrapped by the error of Open for text that no Sealer wrote, or
// that was changed or moved to another object or field.
var ErrNotSealed = errors.New("not a secret sealed for this place")

// Open takes the key from fromEnv, 32 bytes in base64 or hex, when that is
// not empty, and else from keyFile, which it makes with a new key when there is
// none. A key file that others may read is refused.
func Open(keyFile string, fromEnv string) (*Sealer, error) {
	if fromEnv = strings.TrimSpace(fromEnv); fromEnv != "" {
		key, err := parseKey(fromEnv)
		if err != nil {
			return nil, fmt.Errorf("the key from the environment: %w", err)
		}
		return newSealer(key)
	}
	key, err := loadKey(keyFile)
	if err != nil {
		return nil, err
	}
	return newSealer(key)
}

func newSealer(key []byte) (*Sealer, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("prepare the key: %w", err)
	}
	sum := sha256.Sum256(append([]byte("moonwatch key fingerprint\x00"), key...))
	return &Sealer{aead: aead, fingerprint: hex.EncodeToString(sum[:4])}, nil
}

// parseKey reads 32 bytes in hex or base64. Its error does not show them.
func parseKey(text string) ([]byte, error) {
	if key, err := hex.DecodeString(text); err == nil && len(key) == chacha20poly1305.KeySize {
		return key, nil
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil && len(key) == chacha20poly1305.KeySize {
			return key, nil
		}
	}
	return nil, errors.New("a key is 32 bytes in base64 or hex")
}

// Fingerprint implements engine.Sealer: 8 hex digits of a hash of the key.
func (s *Sealer) Fingerprint() string { return s.fingerprint }

// Seal implements engine.Sealer.
func (s *Sealer) Seal(object, field string, plain []byte) (form.Sealed, error) {
	if len(plain) > maxSecret {
		return "", fmt.Errorf("seal %s of %s: the secret has %d bytes, more than %d", field, object, len(plain), maxSecret)
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("seal %s of %s: %w", field, object, err)
	}
	box := s.aead.Seal(nonce, nonce, plain, s.place(object, field))
	return form.Sealed(format + "." + s.fingerprint + "." + base64.RawStdEncoding.EncodeToString(box)), nil
}

// Open implements engine.Sealer.
func (s *Sealer) Open(object, field string, sealed form.Sealed) ([]byte, error) {
	plain, err := s.open(object, field, string(sealed))
	if err != nil {
		return nil, fmt.Errorf("open %s of %s: %w", field, object, err)
	}
	return plain, nil
}

func (s *Sealer) open(object, field, sealed string) ([]byte, error) {
	version, rest, _ := strings.Cut(sealed, ".")
	fingerprint, text, ok := strings.Cut(rest, ".")
	if !ok || version != format {
		return nil, ErrNotSealed
	}
	if fingerprint != s.fingerprint {
		return nil, fmt.Errorf("sealed with another key (fingerprint %.16q, the key here has %q)", fingerprint, s.fingerprint)
	}
	box, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(box) < s.aead.NonceSize() {
		return nil, ErrNotSealed
	}
	nonce, box := box[:s.aead.NonceSize()], box[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, box, s.place(object, field))
	if err != nil {
		return nil, ErrNotSealed
	}
	return plain, nil
}

// place is what is authenticated beside the secret: each part with its length,
// so that no two places read alike.
func (s *Sealer) place(object, field string) []byte {
	b := []byte(format)
	for _, part := range []string{object, field} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return b
}

// By returns the fingerprint of the key that sealed a secret, "" when no
// Sealer wrote it.
func By(s form.Sealed) string {
	version, rest, _ := strings.Cut(string(s), ".")
	fingerprint, _, ok := strings.Cut(rest, ".")
	if !ok || version != format {
		return ""
	}
	return fingerprint
}

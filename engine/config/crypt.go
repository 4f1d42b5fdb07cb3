package config

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// Encryption says how a passphrase becomes the key of a document's secrets.
type Encryption struct {
	Cipher string `yaml:"cipher"` // "argon2id+xchacha20poly1305"
	Salt   string `yaml:"salt"`
	Memory int    `yaml:"memory"` // KiB
	Rounds int    `yaml:"rounds"`
	Check  string `yaml:"check"` // opens when the passphrase is right
}

const (
	cipherName    = "argon2id+xchacha20poly1305"
	keyMemory     = 64 << 10
	keyRounds     = 3
	keyThreads    = 1
	saltBytes     = 16
	maxMemory     = 256 << 10
	maxRounds     = 16
	maxPassphrase = 1024 // bytes of a passphrase
)

// ErrPassphrase is returned when a passphrase does not open a document.
var ErrPassphrase = errors.New("the passphrase is not the one that the document was exported with")

// Locker encrypts and opens the secrets of one document. It is safe for
// concurrent use.
type Locker struct{ aead cipher.AEAD }

// NewLocker makes the header of a document and the locker that goes with it,
// with a fresh salt. It takes some 100 ms and 64 MiB of memory.
func NewLocker(passphrase string) (*Encryption, *Locker, error) {
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return nil, nil, fmt.Errorf("make a salt: %w", err)
	}
	h := &Encryption{Cipher: cipherName, Salt: base64.RawStdEncoding.EncodeToString(salt), Memory: keyMemory, Rounds: keyRounds}
	l, err := h.locker(passphrase)
	if err != nil {
		return nil, nil, err
	}
	h.Check, err = l.Lock("", []byte(cipherName))
	return h, l, err
}

// Locker returns what opens the document's secrets, or ErrPassphrase. It takes
// as long and as much memory as the header says, 256 MiB at most.
func (h *Encryption) Locker(passphrase string) (*Locker, error) {
	l, err := h.locker(passphrase)
	if err != nil {
		return nil, err
	}
	if _, err := l.Open("", h.Check); err != nil {
		return nil, ErrPassphrase
	}
	return l, nil
}

func (h *Encryption) locker(passphrase string) (*Locker, error) {
	if passphrase == "" || len(passphrase) > maxPassphrase {
		return nil, fmt.Errorf("a passphrase has 1 to %d bytes", maxPassphrase)
	}
	if h.Cipher != cipherName {
		return nil, fmt.Errorf("the document was encrypted in a way that this release does not know")
	}
	salt, err := base64.RawStdEncoding.DecodeString(h.Salt)
	if err != nil || len(salt) < 8 || len(salt) > 64 || h.Memory < 8 || h.Memory > maxMemory || h.Rounds < 1 || h.Rounds > maxRounds {
		return nil, errors.New("the document's encryption header is damaged")
	}
	key := argon2.IDKey([]byte(passphrase), salt, uint32(h.Rounds), uint32(h.Memory), keyThreads, chacha20poly1305.KeySize)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	return &Locker{aead}, nil
}

// Lock encrypts a secret that belongs to a place; it opens nowhere else.
func (l *Locker) Lock(place string, secret []byte) (string, error) {
	nonce := make([]byte, l.aead.NonceSize(), l.aead.NonceSize()+len(secret)+l.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("make a nonce: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(l.aead.Seal(nonce, nonce, secret, []byte(place))), nil
}

// Open is the reverse of Lock.
func (l *Locker) Open(place, locked string) ([]byte, error) {
	data, err := base64.RawStdEncoding.DecodeString(locked)
	if err != nil || len(data) < l.aead.NonceSize() {
		return nil, errors.New("this is no encrypted secret")
	}
	n := l.aead.NonceSize()
	secret, err := l.aead.Open(nil, data[:n], data[n:], []byte(place))
	if err != nil {
		return nil, errors.New("this secret was encrypted for another object or field, or is damaged")
	}
	return secret, nil
}

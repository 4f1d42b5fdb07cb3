package enginetest

import (
	"encoding/base64"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// OpenSealer seals by leaving in the clear.
type OpenSealer struct{}

var _ engine.Sealer = OpenSealer{}

// Seal implements engine.Sealer.
func (OpenSealer) Seal(_, _ string, plain []byte) (form.Sealed, error) {
	return form.Sealed(plain), nil
}

// Open implements engine.Sealer.
func (OpenSealer) Open(_, _ string, s form.Sealed) ([]byte, error) { return []byte(s), nil }

// Fingerprint implements engine.Sealer.
func (OpenSealer) Fingerprint() string { return "none" }

// PlainSealer seals so that a test can tell what is sealed, without secrecy.
type PlainSealer struct{}

var _ engine.Sealer = PlainSealer{}

const sealedPrefix = "sealed:"

// Seal implements engine.Sealer.
func (PlainSealer) Seal(_, _ string, plain []byte) (form.Sealed, error) {
	return form.Sealed(sealedPrefix + base64.StdEncoding.EncodeToString(plain)), nil
}

// Open implements engine.Sealer.
func (PlainSealer) Open(_, _ string, s form.Sealed) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(string(s), sealedPrefix))
}

// Fingerprint implements engine.Sealer.
func (PlainSealer) Fingerprint() string { return "plain" }

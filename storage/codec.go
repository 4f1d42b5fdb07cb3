package storage

import "moonwatch/internal/binenc"

// errDamaged is what every decoder returns for bytes that it did not write.
var errDamaged = binenc.ErrDamaged

// reader takes values off a slice. After the first failure it holds an error
// and every value is zero.
type reader struct{ binenc.Reader }

func newReader(b []byte) reader { return reader{binenc.NewReader(b)} }

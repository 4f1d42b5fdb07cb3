package rest

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// The bounds of compression: what is shorter than minCompressed bytes fits a packet as
// it is. A page is a tenth of its size at level 3, and takes half a millisecond.
const (
	minCompressed    = 1200
	compressionLevel = 3
	// jitter is up to how many bytes are added to the length of an answer, so that it
	// does not tell what a secret in it begins with (BREACH).
	jitter = 32
)

// Compressed answers with gzip what is text, to who takes it. Streams of events and
// what is packed already stay as they are.
func Compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.CompressionLevel(compressionLevel), gzhttp.EnableZstd(false),
		gzhttp.RandomJitter(jitter, 0, false), gzhttp.ContentTypeFilter(isText))
	if err != nil {
		panic(err) // the options above are wrong
	}
	return wrap(next)
}

func isText(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "text/event-stream":
		return false
	case "application/json", "application/problem+json", "application/javascript", "application/manifest+json", "application/yaml", "application/atom+xml", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

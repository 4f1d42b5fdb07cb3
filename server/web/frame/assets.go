package frame

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"moonwatch/server/look"
)

//go:embed assets templates
var files embed.FS

// Assets are the files that browsers fetch. The hash of all of them is part of
// their addresses, so that they can be kept for ever and modules find each other.
type Assets struct {
	hash  string
	files map[string][]byte
}

// worker is the script that all pages of a browser share.
const worker = "stream.js"

// AssetsPath is where assets are served, below it the hash of all.
const AssetsPath = "/assets/"

func loadAssets() (*Assets, error) {
	a := &Assets{files: map[string][]byte{}}
	sum := sha256.New()
	own, err := fs.Sub(files, "assets")
	for _, folder := range []fs.FS{own, look.Files} {
		err = errors.Join(err, fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(folder, name)
			a.files[name] = data
			fmt.Fprintf(sum, "%s %d\n", name, len(data))
			sum.Write(data)
			return err
		}))
	}
	a.hash = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, err
}

// contentType is the type of a file by its name. The system's table may lack some
// of these, or say otherwise.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return mime.TypeByExtension(ext)
	}
}

// URL is the address of an asset.
func (a *Assets) URL(name string) string { return AssetsPath + a.hash + "/" + name }

// ServeHTTP serves /assets/HASH/NAME. Another hash is that of another version
// of the program: it gets the present file, to be asked for again.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, AssetsPath), "/")
	data, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	if kind := contentType(name); kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if name == worker {
		h.Set("Content-Security-Policy", ContentPolicy) // a worker has that of its own file
	}
	if hash == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	w.Write(data)
}

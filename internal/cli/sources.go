package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxSource bounds what is read of a plugin's file for an excerpt, in bytes.
const maxSource = 1 << 20

// pluginSource reads plugins' files by the names that problems bear: those that
// ship begin with "shipped:", all others lie below the plugin folder. Nothing
// outside of it can be read, whatever links there are.
func pluginSource(dir string, shipped fs.FS) func(file string) ([]byte, error) {
	return func(file string) ([]byte, error) {
		var f fs.File
		var err error
		if name, ok := strings.CutPrefix(file, "shipped:"); ok {
			f, err = shipped.Open(path.Clean(name))
		} else {
			var root *os.Root
			if root, err = os.OpenRoot(dir); err == nil {
				defer root.Close()
				f, err = root.Open(file)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read the source of a plugin: %w", err)
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, maxSource))
	}
}

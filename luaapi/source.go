package luaapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"

	"moonwatch/luaapi/internal/syntax"
)

// source is what one plugin file or folder held at one moment.
type source struct {
	path   string            // of the file or folder, relative to where plugins lie
	folder bool              // files are below path; else there is one, under ""
	files  map[string]string // Lua files but tests, by path below path
	hash   string            // of all files, whatever they are
	empty  bool              // the file that makes the plugin has no bytes, as in the middle of a save
}

// The largest sources that are taken, in bytes. One file: lualib.MaxSource.
const (
	maxFolder  = 1 << 20
	maxEntries = 1000 // files and folders of one plugin
	maxDepth   = 8
)

// errTooBig is returned for a source that is not read whole.
var errTooBig = errors.New("too big")

// mainFile is the file that makes a folder a plugin.
const mainFile = "plugin.lua"

// name is the chunk name of a file of the source: what errors show.
func (s *source) name(file string) string {
	if file == "" {
		return s.path
	}
	return s.path + "/" + file
}

// main is the text of the file that returns the plugin.
func (s *source) main() (file, text string) {
	if s.folder {
		return s.name(mainFile), s.files[mainFile]
	}
	return s.name(""), s.files[""]
}

// modules lists the folder's own modules by their names for require.
func (s *source) modules() map[string]string {
	m := map[string]string{}
	for file := range s.files {
		if s.folder && file != mainFile {
			m[strings.ReplaceAll(strings.TrimSuffix(file, ".lua"), "/", ".")] = file
		}
	}
	return m
}

// pluginNames lists the files and folders of fsys that are plugins, in lexical
// order. A folder without plugin.lua is none, and so is a pipe or a device.
func pluginNames(fsys fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' || name[0] == '_' {
			continue
		}
		info, err := fs.Stat(fsys, name) // follows links
		if err != nil {
			continue
		}
		switch {
		case info.IsDir():
			if main, err := fs.Stat(fsys, path.Join(name, mainFile)); err == nil && main.Mode().IsRegular() {
				names = append(names, name)
			}
		case isPluginFile(name) && info.Mode().IsRegular(): // reading a pipe would wait for ever
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names, nil
}

func isPluginFile(name string) bool {
	return strings.HasSuffix(name, ".lua") && name != ".lua" && !strings.HasSuffix(name, "_test.lua")
}

// readSource reads a plugin file or folder of fsys. A source that is too big
// comes with an error that says so, and with a hash all the same.
func readSource(fsys fs.FS, name string) (*source, error) {
	return readSourceUntil(context.Background(), fsys, name)
}

// readSourceUntil is readSource, given up with ctx's error when that ends.
func readSourceUntil(ctx context.Context, fsys fs.FS, name string) (*source, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	s := &source{path: name, folder: info.IsDir(), files: map[string]string{}}
	r := &sourceReader{ctx: ctx, fsys: fsys, s: s, hash: map[string][32]byte{}}
	if s.folder {
		r.seen = []fs.FileInfo{info}
		err = r.folder("", 0)
	} else {
		err = r.file("")
	}
	if errors.Is(err, errStopped) {
		err = nil
	}
	if err == nil {
		err = r.tooBig
	}
	s.hash = r.sum()
	if main, ok := s.files[mainFile]; s.folder && ok {
		s.empty = main == ""
	} else if !s.folder {
		s.empty = s.files[""] == "" && r.tooBig == nil
	}
	return s, err
}

type sourceReader struct {
	ctx     context.Context
	fsys    fs.FS
	s       *source
	hash    map[string][32]byte
	seen    []fs.FileInfo // of the folders, each of which is read once
	entries int
	total   int64
	tooBig  error
}

// errStopped ends the walk of a folder that is too big.
var errStopped = errors.New("stopped")

func (r *sourceReader) folder(below string, depth int) error {
	if depth > maxDepth {
		return nil
	}
	entries, err := r.list(path.Join(r.s.path, below))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		file := path.Join(below, e.Name())
		info, err := fs.Stat(r.fsys, path.Join(r.s.path, file))
		if err != nil {
			continue // a dangling link, or gone since
		}
		if info.IsDir() {
			if r.enters(e, below, info) {
				err = r.folder(file, depth+1)
			}
		} else if info.Mode().IsRegular() {
			err = r.file(file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list reads a folder, in order of name. It does not read on in one that has
// more than a plugin may have.
func (r *sourceReader) list(name string) ([]fs.DirEntry, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a folder")}
	}
	entries, err := dir.ReadDir(maxEntries + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if r.entries += len(entries); r.entries > maxEntries {
		return nil, r.stop(fmt.Errorf("the folder has more than %d files and folders: %w", maxEntries, errTooBig))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// enters reports whether a folder is read: a link alone when it leads to another
// place of the same plugin, as those of a mounted Kubernetes volume do, and none
// that was read before.
func (r *sourceReader) enters(e fs.DirEntry, below string, info fs.FileInfo) bool {
	if e.Type()&fs.ModeSymlink != 0 {
		target, err := fs.ReadLink(r.fsys, path.Join(r.s.path, below, e.Name()))
		if err != nil || path.IsAbs(target) || !fs.ValidPath(path.Join(".", below, target)) {
			return false
		}
	}
	if slices.ContainsFunc(r.seen, func(seen fs.FileInfo) bool { return os.SameFile(seen, info) }) {
		return false
	}
	r.seen = append(r.seen, info)
	return true
}

func (r *sourceReader) file(file string) error {
	full := path.Join(r.s.path, file)
	info, err := fs.Stat(r.fsys, full)
	if err != nil {
		return err
	}
	isLua := strings.HasSuffix(full, ".lua")
	if isLua && info.Size() > syntax.MaxSource {
		if r.tooBig == nil {
			r.tooBig = fmt.Errorf("%s has %d bytes; %d (128 KiB) are allowed: %w", full, info.Size(), syntax.MaxSource, errTooBig)
		}
		r.hash[file] = sizeAndTime(info)
		return nil
	}
	data, err := r.read(full)
	if err != nil {
		return err
	}
	if r.total += int64(len(data)); r.total > maxFolder {
		r.hash[file] = sizeAndTime(info)
		return r.stop(fmt.Errorf("the folder has more than %d bytes: %w", maxFolder, errTooBig))
	}
	r.hash[file] = sha256.Sum256(data)
	if isLua && !strings.HasSuffix(full, "_test.lua") {
		r.s.files[file] = string(data)
	}
	return nil
}

// read reads a file, but no more than a byte beyond what a plugin may have,
// whatever its size was said to be.
func (r *sourceReader) read(full string) ([]byte, error) {
	f, err := r.fsys.Open(full)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFolder+1))
}

// stop ends the walk. What was read is not the whole: its hash differs from that
// of any folder that is.
func (r *sourceReader) stop(why error) error {
	if r.tooBig == nil {
		r.tooBig = why
	}
	r.hash["\x00"] = sha256.Sum256([]byte(why.Error()))
	return errStopped
}

// sizeAndTime stands in the hash for a file that is not read.
func sizeAndTime(info fs.FileInfo) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d %d", info.Size(), info.ModTime().UnixNano()))
}

func (r *sourceReader) sum() string {
	all := sha256.New()
	for _, file := range sortedKeys(r.hash) {
		one := r.hash[file]
		fmt.Fprintf(all, "%s\x00%x\n", file, one)
	}
	return hex.EncodeToString(all.Sum(nil))[:32]
}

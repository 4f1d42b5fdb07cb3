package loader

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

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/syntax"
)

// Source is what one plugin file or folder held at one moment.
type Source struct {
	Path   string            // of the file or folder, relative to where plugins lie
	Folder bool              // files are below path; else there is one, under ""
	Files  map[string]string // Lua files but tests, by path below path
	Hash   string            // of all files, whatever they are
	Empty  bool              // the file that makes the plugin has no bytes, as in the middle of a save
}

// The largest sources that are taken, in bytes. One file: lualib.MaxSource.
const (
	MaxFolder  = 1 << 20
	MaxEntries = 1000 // files and folders of one plugin
	MaxDepth   = 8
)

// ErrTooBig is returned for a source that is not read whole.
var ErrTooBig = errors.New("too big")

// MainFile is the file that makes a folder a plugin.
const MainFile = "plugin.lua"

// TestSuffix ends the name of a file of tests.
const TestSuffix = "_test.lua"

// Name is the chunk name of a file of the source: what errors show.
func (s *Source) Name(file string) string {
	if file == "" {
		return s.Path
	}
	return s.Path + "/" + file
}

// Main is the text of the file that returns the plugin.
func (s *Source) Main() (file, text string) {
	if s.Folder {
		return s.Name(MainFile), s.Files[MainFile]
	}
	return s.Name(""), s.Files[""]
}

// Modules lists the folder's own modules by their names for require.
func (s *Source) Modules() map[string]string {
	m := map[string]string{}
	for file := range s.Files {
		if s.Folder && file != MainFile {
			m[strings.ReplaceAll(strings.TrimSuffix(file, ".lua"), "/", ".")] = file
		}
	}
	return m
}

// texts are those of all files, in order of their names.
func (s *Source) texts() []string {
	var texts []string
	for _, file := range luaval.SortedKeys(s.Files) {
		texts = append(texts, s.Files[file])
	}
	return texts
}

// PluginNames lists the files and folders of fsys that are plugins, in lexical
// order. A folder without plugin.lua is none, and so is a pipe or a device.
func PluginNames(fsys fs.FS) ([]string, error) {
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
			if main, err := fs.Stat(fsys, path.Join(name, MainFile)); err == nil && main.Mode().IsRegular() {
				names = append(names, name)
			}
		case IsPluginFile(name) && info.Mode().IsRegular(): // reading a pipe would wait for ever
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names, nil
}

func IsPluginFile(name string) bool {
	return strings.HasSuffix(name, ".lua") && name != ".lua" && !strings.HasSuffix(name, "_test.lua")
}

// ReadSource reads a plugin file or folder of fsys. A source that is too big
// comes with an error that says so, and with a hash all the same.
func ReadSource(fsys fs.FS, name string) (*Source, error) {
	return ReadSourceUntil(context.Background(), fsys, name)
}

// ReadSourceUntil is ReadSource, given up with ctx's error when that ends.
func ReadSourceUntil(ctx context.Context, fsys fs.FS, name string) (*Source, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	s := &Source{Path: name, Folder: info.IsDir(), Files: map[string]string{}}
	r := &sourceReader{ctx: ctx, fsys: fsys, s: s, hash: map[string][32]byte{}}
	if s.Folder {
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
	s.Hash = r.sum()
	if main, ok := s.Files[MainFile]; s.Folder && ok {
		s.Empty = main == ""
	} else if !s.Folder {
		s.Empty = s.Files[""] == "" && r.tooBig == nil
	}
	return s, err
}

type sourceReader struct {
	ctx     context.Context
	fsys    fs.FS
	s       *Source
	hash    map[string][32]byte
	seen    []fs.FileInfo // of the folders, each of which is read once
	entries int
	total   int64
	tooBig  error
}

// errStopped ends the walk of a folder that is too big.
var errStopped = errors.New("stopped")

func (r *sourceReader) folder(below string, depth int) error {
	if depth > MaxDepth {
		return nil
	}
	entries, err := r.list(path.Join(r.s.Path, below))
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
		info, err := fs.Stat(r.fsys, path.Join(r.s.Path, file))
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
	entries, err := dir.ReadDir(MaxEntries + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if r.entries += len(entries); r.entries > MaxEntries {
		return nil, r.stop(fmt.Errorf("the folder has more than %d files and folders: %w", MaxEntries, ErrTooBig))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// enters reports whether a folder is read: a link alone when it leads to another
// place of the same plugin, as those of a mounted Kubernetes volume do, and none
// that was read before.
func (r *sourceReader) enters(e fs.DirEntry, below string, info fs.FileInfo) bool {
	if e.Type()&fs.ModeSymlink != 0 {
		target, err := fs.ReadLink(r.fsys, path.Join(r.s.Path, below, e.Name()))
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
	full := path.Join(r.s.Path, file)
	info, err := fs.Stat(r.fsys, full)
	if err != nil {
		return err
	}
	isLua := strings.HasSuffix(full, ".lua")
	if isLua && info.Size() > syntax.MaxSource {
		if r.tooBig == nil {
			r.tooBig = fmt.Errorf("%s has %d bytes; %d (128 KiB) are allowed: %w", full, info.Size(), syntax.MaxSource, ErrTooBig)
		}
		r.hash[file] = sizeAndTime(info)
		return nil
	}
	data, err := r.read(full)
	if err != nil {
		return err
	}
	if r.total += int64(len(data)); r.total > MaxFolder {
		r.hash[file] = sizeAndTime(info)
		return r.stop(fmt.Errorf("the folder has more than %d bytes: %w", MaxFolder, ErrTooBig))
	}
	r.hash[file] = sha256.Sum256(data)
	if isLua && !strings.HasSuffix(full, "_test.lua") {
		r.s.Files[file] = string(data)
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
	return io.ReadAll(io.LimitReader(f, MaxFolder+1))
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
	for _, file := range luaval.SortedKeys(r.hash) {
		one := r.hash[file]
		fmt.Fprintf(all, "%s\x00%x\n", file, one)
	}
	return hex.EncodeToString(all.Sum(nil))[:32]
}

// ShownFile is the path of a plugin's file or folder as people read it.
func ShownFile(path string, folder, shipped bool) string {
	if folder {
		path += "/" + MainFile
	}
	if shipped {
		return "shipped:" + path
	}
	return path
}

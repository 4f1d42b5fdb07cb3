package damage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/badgerfile"
	"moonwatch/storage/internal/disk"
)

// LastName is a file of the data folder, beside the database, that says what the
// database holds at least: the number of the last commit that was acknowledged,
// how far its MANIFEST and its value logs reach. Open compares: damaged files of
// the database can look like those of an older one, and Badger takes them so.
//
// It is written without a sync after each commit, before that is acknowledged:
// it may be behind the database, but is never ahead of it.
const LastName = "db.last"

// lastPage is the size of the file in bytes, or a multiple: it is written in
// place, so that a full disk does not matter.
const lastPage = 4096

// last is what the file says.
type last struct {
	commit   uint64
	manifest prefix
	vlogs    map[uint32]vlogMark // by number
}

// prefix is a beginning of a file that only grows.
type prefix struct {
	size int64
	sum  uint32
}

// vlogMark is a value log: which file it is, and how far it reaches at least.
type vlogMark struct {
	id  uint32
	end int64
}

// encode appends the file to b, which is empty.
func (l *last) encode(b []byte) []byte {
	b = fmt.Appendf(b, "moonwatch 1 commit %d manifest %d %08x vlogs", l.commit, l.manifest.size, l.manifest.sum)
	for _, n := range slices.Sorted(maps.Keys(l.vlogs)) {
		b = fmt.Appendf(b, " %d:%08x:%d", n, l.vlogs[n].id, l.vlogs[n].end)
	}
	b = fmt.Appendf(b, " sum %08x\n", crc32.Checksum(b, badgerfile.Castagnoli))
	for len(b)%lastPage != 0 {
		b = append(b, ' ')
	}
	return b
}

// decodeLast returns binenc.ErrDamaged for what encode did not write.
func decodeLast(b []byte) (*last, error) {
	text, _, whole := strings.Cut(string(b), "\n")
	i := strings.LastIndex(text, " sum ")
	if !whole || i < 0 || text[i:] != fmt.Sprintf(" sum %08x", crc32.Checksum([]byte(text[:i]), badgerfile.Castagnoli)) {
		return nil, binenc.ErrDamaged
	}
	head, list, _ := strings.Cut(text[:i], " vlogs")
	l := &last{vlogs: map[uint32]vlogMark{}}
	if _, err := fmt.Sscanf(head, "moonwatch 1 commit %d manifest %d %x", &l.commit, &l.manifest.size, &l.manifest.sum); err != nil {
		return nil, binenc.ErrDamaged
	}
	for word := range strings.FieldsSeq(list) {
		var n uint32
		var m vlogMark
		if _, err := fmt.Sscanf(word, "%d:%x:%d", &n, &m.id, &m.end); err != nil {
			return nil, binenc.ErrDamaged
		}
		l.vlogs[n] = m
	}
	return l, nil
}

// readLast reads the file; the error is fs.ErrNotExist or binenc.ErrDamaged where it is
// not there or not whole.
func readLast(dir string) (*last, error) {
	b, err := os.ReadFile(filepath.Join(dir, LastName))
	if err != nil {
		return nil, err
	}
	return decodeLast(b)
}

// LastFile is the file while the database is open. It is safe for concurrent use.
type LastFile struct {
	path string // of the database

	mu    sync.Mutex // guards all below
	f     *os.File
	last  last
	taken manifestLook
	page  []byte // as written last
}

// manifestLook tells whether the MANIFEST was written to since.
type manifestLook struct {
	size int64
	at   time.Time
}

// settled is how long ago the MANIFEST was written to when it counts: by then
// it is synced too, and a power cut leaves no less of it.
const settled = 100 * time.Millisecond

// OpenLast makes the file anew, of what the database holds now that it is open.
func (in *Inspection) OpenLast() (*LastFile, error) {
	dir, path, before := in.dir, in.path, in.last
	f, err := os.OpenFile(filepath.Join(dir, LastName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", LastName, err)
	}
	l := &LastFile{path: path, f: f, last: last{vlogs: map[uint32]vlogMark{}}}
	if before != nil {
		l.last = *before
	}
	l.last.commit = in.Held()
	if err := l.Refresh(before == nil); err != nil {
		f.Close()
		return nil, err
	}
	if err := errors.Join(f.Sync(), disk.SyncFolder(dir)); err != nil {
		f.Close()
		return nil, fmt.Errorf("write %s: %w", LastName, err)
	}
	return l, nil
}

// Committed notes a commit; large says that it wrote to the value log. It is
// called before the commit is acknowledged.
func (l *LastFile) Committed(n uint64, large bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last.commit = n
	return l.look(false, large)
}

// Refresh notes how far the files reach; synced says that nobody writes to the
// MANIFEST now.
func (l *LastFile) Refresh(synced bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.look(synced, true)
}

// Grown is Refresh when the MANIFEST was written to since, and else nothing.
func (l *LastFile) Grown() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if info, err := os.Stat(filepath.Join(l.path, badgerfile.Manifest)); err == nil && (manifestLook{info.Size(), info.ModTime()}) == l.taken {
		return nil
	}
	return l.look(false, false)
}

func (l *LastFile) look(synced, vlogs bool) error {
	if err := l.lookAtManifest(synced); err != nil {
		return fmt.Errorf("look at %s: %w", badgerfile.Manifest, err)
	}
	if vlogs {
		if err := l.lookAtValues(); err != nil {
			return fmt.Errorf("look at the value log: %w", err)
		}
	}
	l.page = l.last.encode(l.page[:0])
	if _, err := l.f.WriteAt(l.page, 0); err != nil {
		return fmt.Errorf("write %s: %w", LastName, err)
	}
	return nil
}

func (l *LastFile) lookAtManifest(synced bool) error {
	path := filepath.Join(l.path, badgerfile.Manifest)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	now := manifestLook{info.Size(), info.ModTime()}
	if now == l.taken || !synced && time.Since(now.at) < settled {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	l.last.manifest = prefix{int64(len(b)), crc32.Checksum(b, badgerfile.Castagnoli)}
	l.taken = now
	return nil
}

func (l *LastFile) lookAtValues() error {
	files, err := badgerfile.Numbered(l.path, ".vlog")
	if err != nil {
		return err
	}
	marks := make(map[uint32]vlogMark, len(files))
	for _, n := range files {
		old := l.last.vlogs[n]
		end, id, _, err := badgerfile.ScanValues(filepath.Join(l.path, badgerfile.ValuesName(n)), old.end, nil)
		if errors.Is(err, fs.ErrNotExist) {
			continue // collected meanwhile
		}
		if err != nil {
			return err
		}
		if end > 0 {
			marks[n] = vlogMark{id, end}
		}
	}
	l.last.vlogs = marks
	return nil
}

// Close closes the file, and leaves it as it is.
func (l *LastFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// Forget removes the file of a data folder whose database is to be removed.
func Forget(dir string) error {
	if err := os.Remove(filepath.Join(dir, LastName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

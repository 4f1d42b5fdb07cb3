package badgerfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"

	"moonwatch/internal/binenc"
	"moonwatch/storage/internal/layout"
)

// Badger's write-ahead logs (.mem) and value logs (.vlog) have one form: a header
// of 20 bytes, of which 12 are random, and entries of two flag bytes, the lengths
// of key and value and an expiry as uvarints, key, value and a CRC. An entry
// without a key, in zeros, is the end: files are made larger than what they hold.
const (
	logHeader   = 20
	maxLogKey   = 1 << 16
	flagPointer = 1 << 1 // the value is a place in a value log
	flagInTxn   = 1 << 6
	flagTxnEnd  = 1 << 7
)

// Castagnoli is the polynomial of all checksums here.
var Castagnoli = crc32.MakeTable(crc32.Castagnoli)

// logEntry is one entry; key and value are valid until the next one is read.
type logEntry struct {
	offset, length int64
	flags          byte
	key, value     []byte
}

// logScan reads the entries of a log file, and changes nothing.
type logScan struct {
	f      *os.File
	in     *bufio.Reader
	size   int64
	header [logHeader]byte
	short  bool  // there is no whole header
	at     int64 // where the next entry begins
	buf    []byte
}

// openLog begins to read at from, the beginning of an entry; 0 is the first.
func openLog(path string, from int64) (*logScan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &logScan{f: f, at: max(from, logHeader)}
	info, err := f.Stat()
	if err == nil {
		s.size = info.Size()
		_, err = f.ReadAt(s.header[:], 0)
		s.short = errors.Is(err, io.EOF)
	}
	if err == nil || s.short {
		_, err = f.Seek(s.at, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s.in = bufio.NewReaderSize(f, 64<<10)
	return s, nil
}

func (s *logScan) close() { s.f.Close() } // only read from

// id tells files apart that bear the same name: what of the header is random.
func (s *logScan) id() uint32 { return crc32.Checksum(s.header[:], Castagnoli) }

// next returns the next whole entry, nil at the end. What stands behind the end
// may be zeros, half an entry, or damage.
func (s *logScan) next() (*logEntry, error) {
	if s.short {
		return nil, nil
	}
	e, err := s.read()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, binenc.ErrDamaged) {
		return nil, nil
	}
	if err != nil || e == nil {
		return nil, err
	}
	s.at += e.length
	return e, nil
}

func (s *logScan) read() (*logEntry, error) {
	var head []byte
	next := func() (byte, error) {
		b, err := s.in.ReadByte()
		head = append(head, b)
		return b, err
	}
	flags, err := next()
	if err != nil {
		return nil, err
	}
	if _, err := next(); err != nil {
		return nil, err
	}
	var lengths [3]uint64 // of key and value, and the expiry
	for i := range lengths {
		if lengths[i], err = binary.ReadUvarint(byteReader(next)); err != nil {
			return nil, binenc.ErrDamaged
		}
	}
	if lengths[0] == 0 {
		return nil, nil
	}
	if lengths[0] > maxLogKey || lengths[1] > uint64(s.size-s.at) {
		return nil, binenc.ErrDamaged
	}
	n := int(lengths[0] + lengths[1])
	if cap(s.buf) < n+crc32.Size {
		s.buf = make([]byte, n+crc32.Size)
	}
	b := s.buf[:n+crc32.Size]
	if _, err := io.ReadFull(s.in, b); err != nil {
		return nil, err
	}
	sum := crc32.Update(crc32.Checksum(head, Castagnoli), Castagnoli, b[:n])
	if binary.BigEndian.Uint32(b[n:]) != sum {
		return nil, binenc.ErrDamaged
	}
	return &logEntry{offset: s.at, length: int64(len(head) + len(b)), flags: flags, key: b[:lengths[0]], value: b[lengths[0]:n]}, nil
}

type byteReader func() (byte, error)

func (r byteReader) ReadByte() (byte, error) { return r() }

// Pointer is a place in a value log, as Badger stores it in place of a value.
type Pointer struct{ File, Length, Offset uint32 }

func pointerOf(value []byte) (Pointer, bool) {
	if len(value) != 12 {
		return Pointer{}, false
	}
	n := binary.NativeEndian // it copies its own memory
	return Pointer{n.Uint32(value), n.Uint32(value[4:]), n.Uint32(value[8:])}, true
}

// WAL is what a write-ahead log brings to the database.
type WAL struct {
	End      int64    // in bytes, of the last whole transaction
	Commits  []uint64 // the numbers of our commits, in order
	Pointers []Pointer
}

// ReadWAL reads the whole transactions of a write-ahead log, as Badger does when
// it opens: what stands behind the last of them is no part of the database.
func ReadWAL(path string) (*WAL, error) {
	s, err := openLog(path, 0)
	if err != nil {
		return nil, err
	}
	defer s.close()
	c := &WAL{End: logHeader}
	var txn uint64
	commits, pointers := 0, 0 // of whole transactions
	for {
		e, err := s.next()
		if err != nil {
			return nil, err
		}
		if e == nil || len(e.key) < 8 {
			break
		}
		version := ^binary.BigEndian.Uint64(e.key[len(e.key)-8:])
		switch {
		case e.flags&flagInTxn != 0 && (txn == 0 || txn == version):
			txn = version
			c.note(e)
			continue
		case e.flags&flagTxnEnd != 0:
			if n, err := strconv.ParseUint(string(e.value), 10, 64); err == nil && n == txn {
				txn = 0
				break
			}
			txn = 1 // broken off
		case txn == 0:
			c.note(e)
		}
		if txn != 0 {
			break
		}
		c.End, commits, pointers = s.at, len(c.Commits), len(c.Pointers)
	}
	c.Commits, c.Pointers = c.Commits[:commits], c.Pointers[:pointers]
	return c, nil
}

func (c *WAL) note(e *logEntry) {
	if string(e.key[:len(e.key)-8]) == layout.CommitKey {
		if n, size := binary.Uvarint(e.value); size > 0 {
			c.Commits = append(c.Commits, n)
		}
	}
	if e.flags&flagPointer != 0 {
		if p, ok := pointerOf(e.value); ok {
			c.Pointers = append(c.Pointers, p)
		}
	}
}

// ScanValues returns where the whole entries of a value log end that begin at from,
// and which file it is. each, when not nil, is told of every entry.
func ScanValues(path string, from int64, each func(offset, length int64)) (end int64, id uint32, size int64, err error) {
	s, err := openLog(path, from)
	if err != nil {
		return 0, 0, 0, err
	}
	defer s.close()
	if s.short {
		return 0, 0, s.size, nil
	}
	for {
		e, err := s.next()
		if err != nil || e == nil {
			return s.at, s.id(), s.size, err
		}
		if each != nil {
			each(e.offset, e.length)
		}
	}
}

// Blank reports whether a file holds nothing but zeros from an offset on.
func Blank(path string, from int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := f.ReadAt(b, from)
		if slices.ContainsFunc(b[:n], func(c byte) bool { return c != 0 }) {
			return false
		}
		if from += int64(n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// EndLog puts zeros where a write-ahead log ends, as Badger does at each write:
// the half of a transaction that a crash may leave there reads as anything, a
// length of gigabytes too.
func EndLog(path string, end int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := make([]byte, 64)
	n, err := f.ReadAt(b, end)
	if err == nil || n > 0 {
		err = nil
		if slices.ContainsFunc(b[:n], func(c byte) bool { return c != 0 }) {
			clear(b)
			_, err = f.WriteAt(b[:n], end)
		}
	} else {
		err = nil // it ends there
	}
	return errors.Join(err, f.Close())
}

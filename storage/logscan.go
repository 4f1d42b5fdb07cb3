package storage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"strconv"
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

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

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
func (s *logScan) id() uint32 { return crc32.Checksum(s.header[:], castagnoli) }

// next returns the next whole entry, nil at the end. What stands behind the end
// may be zeros, half an entry, or damage.
func (s *logScan) next() (*logEntry, error) {
	if s.short {
		return nil, nil
	}
	e, err := s.read()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errDamaged) {
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
			return nil, errDamaged
		}
	}
	if lengths[0] == 0 {
		return nil, nil
	}
	if lengths[0] > maxLogKey || lengths[1] > uint64(s.size-s.at) {
		return nil, errDamaged
	}
	n := int(lengths[0] + lengths[1])
	if cap(s.buf) < n+crc32.Size {
		s.buf = make([]byte, n+crc32.Size)
	}
	b := s.buf[:n+crc32.Size]
	if _, err := io.ReadFull(s.in, b); err != nil {
		return nil, err
	}
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, b[:n])
	if binary.BigEndian.Uint32(b[n:]) != sum {
		return nil, errDamaged
	}
	return &logEntry{offset: s.at, length: int64(len(head) + len(b)), flags: flags, key: b[:lengths[0]], value: b[lengths[0]:n]}, nil
}

type byteReader func() (byte, error)

func (r byteReader) ReadByte() (byte, error) { return r() }

// pointer is a place in a value log, as Badger stores it in place of a value.
type pointer struct{ file, length, offset uint32 }

func pointerOf(value []byte) (pointer, bool) {
	if len(value) != 12 {
		return pointer{}, false
	}
	n := binary.NativeEndian // it copies its own memory
	return pointer{n.Uint32(value), n.Uint32(value[4:]), n.Uint32(value[8:])}, true
}

// walContents is what a write-ahead log brings to the database.
type walContents struct {
	end      int64    // of the last whole transaction
	commits  []uint64 // the numbers of our commits, in order
	pointers []pointer
}

// readWAL reads the whole transactions of a write-ahead log, as Badger does when
// it opens: what stands behind the last of them is no part of the database.
func readWAL(path string) (*walContents, error) {
	s, err := openLog(path, 0)
	if err != nil {
		return nil, err
	}
	defer s.close()
	c := &walContents{end: logHeader}
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
		c.end, commits, pointers = s.at, len(c.commits), len(c.pointers)
	}
	c.commits, c.pointers = c.commits[:commits], c.pointers[:pointers]
	return c, nil
}

var commitKey = string(metaKey(metaCommit))

func (c *walContents) note(e *logEntry) {
	if string(e.key[:len(e.key)-8]) == commitKey {
		if n, size := binary.Uvarint(e.value); size > 0 {
			c.commits = append(c.commits, n)
		}
	}
	if e.flags&flagPointer != 0 {
		if p, ok := pointerOf(e.value); ok {
			c.pointers = append(c.pointers, p)
		}
	}
}

// vlogEnd returns where the whole entries of a value log end that begin at from,
// and which file it is. each, when not nil, is told of every entry.
func vlogEnd(path string, from int64, each func(offset, length int64)) (end int64, id uint32, size int64, err error) {
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

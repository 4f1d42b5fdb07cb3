package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile has fn write a file that only the owner may read, and puts it in
// its place when it is whole; "-" is standard output.
func writeFile(s streams, path string, fn func(w io.Writer) error) error {
	return placeFile(s, path, fn, os.Rename)
}

// writeNewFile is writeFile for a path where nothing is yet.
func writeNewFile(s streams, path string, fn func(w io.Writer) error) error {
	there := fmt.Errorf("%s is there already; choose another name, or remove it", path)
	if path != "-" {
		if _, err := os.Lstat(path); err == nil {
			return there
		}
	}
	return placeFile(s, path, fn, func(from, to string) error {
		err := os.Link(from, to) // which replaces nothing, as a rename does
		if errors.Is(err, fs.ErrExist) {
			return there
		}
		if err == nil {
			return nil
		}
		if _, lookErr := os.Lstat(to); lookErr == nil { // a file system without links
			return there
		}
		return os.Rename(from, to)
	})
}

func placeFile(s streams, path string, fn func(w io.Writer) error, place func(from, to string) error) error {
	if path == "-" {
		return fn(s.out)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".partial-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone when all went well
	if err := fn(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := place(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// readFile reads a file of at most so many bytes; "-" is standard input.
func readFile(s streams, path string, most int64) ([]byte, error) {
	in := s.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s has more than %d MiB", path, most>>20)
	}
	return data, nil
}

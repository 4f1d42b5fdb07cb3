package cli

import (
	"fmt"
	"io"
	"log/slog"
)

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	adoptLog func(*slog.Logger) // has libraries' log lines go to a log; nil leaves them alone
}

// exitCode is an error that ends the program with a code and prints nothing.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// usageError is a command line that could not be understood.
const usageError = 2

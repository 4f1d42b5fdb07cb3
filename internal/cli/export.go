package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// passphraseFlag takes the passphrase of a document's secrets.
type passphraseFlag struct {
	PassphraseStdin bool `help:"Read the passphrase of the document's secrets from the first line of standard input."`
}

// header reads the passphrase, if there is one, as the header that bears it.
func (f passphraseFlag) header(s streams) (http.Header, error) {
	h := http.Header{}
	if f.PassphraseStdin {
		text, err := readSecret(s, "passphrase")
		if err != nil {
			return nil, err
		}
		h.Set("Moonwatch-Passphrase", text)
	}
	return h, nil
}

type exportCommand struct {
	pluginsFlag
	passphraseFlag
	File string `arg:"" help:"The file to write; - is standard output."`
}

// Run writes all configuration. Without a passphrase, secrets are left out.
func (c *exportCommand) Run(s streams) error {
	ctx := context.Background()
	headers, err := c.header(s)
	if err != nil {
		return err
	}
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	status, data, err := api.ask(ctx, "GET", "/export", nil, headers)
	if err == nil && status != http.StatusOK {
		err = problemOf(status, data)
	}
	if err == nil {
		err = writeFile(s, c.File, func(w io.Writer) error { _, err := w.Write(data); return err })
	}
	if err == nil && c.File != "-" {
		secrets := "; secrets are left out"
		if c.PassphraseStdin {
			secrets = "; its secrets are encrypted to the passphrase"
		}
		fmt.Fprintf(s.out, "wrote %s%s\n", c.File, secrets)
	}
	return errors.Join(err, api.close())
}

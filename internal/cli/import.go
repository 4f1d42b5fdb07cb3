package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"moonwatch/engine/config"
	"moonwatch/engine/config/importer"
)

type importCommand struct {
	pluginsFlag
	passphraseFlag
	File   string `arg:"" help:"The file to read; - is standard input."`
	DryRun bool   `help:"Only show what would change."`
	Prune  bool   `help:"Delete what is absent, in the sections that stand in the file."`
}

const importRefused exitCode = 1

// Run imports the file as a whole, or nothing of it, and shows the difference.
func (c *importCommand) Run(s streams) error {
	if c.File == "-" && c.PassphraseStdin {
		return errors.New("the file and the passphrase cannot both come from standard input")
	}
	ctx := context.Background()
	headers, err := c.header(s)
	if err != nil {
		return err
	}
	data, err := readFile(s, c.File, config.MaxBytes)
	if err != nil {
		return err
	}
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.send(ctx, s, api, data, headers), api.close())
}

func (c *importCommand) send(ctx context.Context, s streams, api *client, data []byte, headers http.Header) error {
	headers.Set("Content-Type", "application/yaml")
	addVariables(headers, data)
	query := url.Values{}
	if c.DryRun {
		query.Set("dry_run", "true")
	}
	if c.Prune {
		query.Set("prune", "true")
	}
	status, answer, err := api.ask(ctx, "POST", "/import?"+query.Encode(), bytes.NewReader(data), headers)
	switch {
	case err != nil:
		return err
	case status == http.StatusUnprocessableEntity && printProblems(s.err, c.File, answer):
		fmt.Fprintln(s.err, "nothing was changed")
		return importRefused
	case status != http.StatusOK:
		return problemOf(status, answer)
	}
	var report importer.ImportReport
	if err := json.Unmarshal(answer, &report); err != nil {
		return fmt.Errorf("read the monitor's answer: %w", err)
	}
	printImport(s.out, c.File, &report)
	return nil
}

// addVariables sends along the environment variables that the document names.
func addVariables(headers http.Header, data []byte) {
	variables := url.Values{}
	config.DecodeWith(data, func(name string) (string, bool) { // its problems are told by the monitor
		value, ok := os.LookupEnv(name)
		if ok {
			variables.Set(name, value)
		}
		return value, ok
	})
	if len(variables) > 0 {
		headers.Set("Moonwatch-Variables", variables.Encode())
	}
}

// atLine is how the API names a line of the document.
var atLine = regexp.MustCompile(`^line (\d+): `)

// printProblems prints FILE:LINE: LOCATION: MESSAGE for each complaint; false:
// there is none.
func printProblems(w io.Writer, file string, answer []byte) bool {
	var p struct {
		Errors []struct{ Location, Message string }
	}
	if json.Unmarshal(answer, &p) != nil || len(p.Errors) == 0 {
		return false
	}
	for _, e := range p.Errors {
		at := file
		if m := atLine.FindStringSubmatch(e.Message); m != nil {
			at, e.Message = file+":"+m[1], e.Message[len(m[0]):]
		}
		fmt.Fprintln(w, at+": "+strings.TrimPrefix(e.Location+": "+e.Message, ": "))
	}
	return true
}

// printImport shows what an import changed, or would change.
func printImport(w io.Writer, file string, r *importer.ImportReport) {
	for _, change := range r.Changes {
		sign := map[string]string{"create": "+", "update": "~", "delete": "-"}[change.Action]
		if sign == "" {
			continue
		}
		fmt.Fprintf(w, "%s %s %s\n", sign, strings.ReplaceAll(string(change.Kind), "_", " "), change.Name)
		for _, f := range change.Fields {
			if change.Action == "update" {
				fmt.Fprintf(w, "    %s: %s → %s\n", f.Field, compact(f.Before), compact(f.After))
			} else if change.Action == "create" {
				fmt.Fprintf(w, "    %s: %s\n", f.Field, compact(f.After))
			}
		}
	}
	printNotes(w, file, r.Notes)
	would := ""
	if r.DryRun {
		would = "nothing was changed; it would be: "
	}
	fmt.Fprintf(w, "%s%d created, %d updated, %d deleted, %d unchanged\n", would, r.Created, r.Updated, r.Deleted, r.Unchanged)
}

func printNotes(w io.Writer, file string, notes []importer.ImportProblem) {
	for _, n := range notes {
		at := file
		if n.Line > 0 {
			at = fmt.Sprintf("%s:%d", file, n.Line)
		}
		fmt.Fprintf(w, "%s: %s: %s\n", at, n.Location, n.Message)
	}
}

// compact is a value on one line, cut when it is long.
func compact(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	text := []rune(string(data))
	if len(text) > 200 {
		return string(text[:199]) + "…"
	}
	return string(text)
}

package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config"
	"moonwatch/engine/form"
)

// passphraseHeader bears the passphrase of an export's secrets: a header, since
// addresses end up in logs.
const passphraseHeader = "Moonwatch-Passphrase"

// variablesHeader bears the variables that a document names: those of the caller,
// since the monitor's own are nobody's to read.
const variablesHeader = "Moonwatch-Variables"

// passphraseMost bounds a passphrase, in bytes.
const passphraseMost = 1000

// yamlTypes are the media types that YAML is sent as.
func yamlTypes() []string { return []string{"application/yaml", "application/x-yaml", "text/yaml"} }

// configuration is all configuration as one document.
type configuration struct {
	engine *engine.Engine
	guard  func(context.Context) (func(), error) // bounds what takes memory
	open   func(object, field string, s form.Sealed) ([]byte, error)
}

// configRoutes serve all configuration as one document.
func (s *configuration) routes(known shapes) []*route {
	text, flag := scalar(textShape), scalar(boolShape)
	return []*route{
		{method: "GET", path: "/export", role: access.Admin, tag: "configuration", summary: "Export all configuration as YAML",
			note:  "Objects name each other by name. Secrets are left out, or encrypted to the passphrase when one is given.",
			gives: yamlTypes()[:1], headers: []param{{passphraseHeader, text, "encrypts secrets, password hashes and ping tokens into the document"}},
			handle: s.export},
		{method: "POST", path: "/import", role: access.Admin, tag: "configuration", summary: "Import configuration from YAML",
			note: "Adds and updates, by name. The document is validated whole first: with any problem nothing is written, and errors name " +
				"their lines. The answer says what became of each object.",
			params: []param{{"dry_run", flag, "true: only say what would change"},
				{"prune", flag, "true: delete what is absent, in the sections that stand in the document"}},
			headers: []param{{passphraseHeader, text, "of the document's encrypted secrets"},
				{variablesHeader, text, "values of {env: NAME} in the document, as NAME=value&…, each percent-encoded"}},
			takes: yamlTypes(), most: config.MaxBytes, output: shapeOf[engine.ImportReport](known), handle: s.importConfig},
	}
}

// passphrase reads the header; "" when there is none.
func (s *configuration) passphrase(c *call) (string, error) {
	p := strings.TrimSpace(c.r.Header.Get(passphraseHeader))
	switch {
	case len(p) > passphraseMost || unusable(p):
		return "", invalid(form.Error{Location: passphraseHeader, Code: form.CodeInvalid, Message: "this is too long, or no text"})
	case p != "" && s.open == nil:
		return "", refuse(http.StatusServiceUnavailable, "this monitor cannot open its secrets")
	}
	return p, nil
}

// variables reads the header; nil when there is none.
func (s *configuration) variables(c *call) (map[string]string, error) {
	text := c.r.Header.Get(variablesHeader)
	if text == "" {
		return nil, nil
	}
	given, err := url.ParseQuery(text)
	if err != nil {
		return nil, invalid(form.Error{Location: variablesHeader, Code: form.CodeInvalid, Message: "write NAME=value&…, each percent-encoded"})
	}
	out := make(map[string]string, len(given))
	for name := range given {
		out[name] = given.Get(name)
	}
	return out, nil
}

func (s *configuration) export(c *call) (answer, error) {
	passphrase, err := s.passphrase(c)
	if err != nil {
		return answer{}, err
	}
	if passphrase != "" { // making a key of it takes memory, as a password does
		release, err := s.guard(c.r.Context())
		if err != nil {
			return answer{}, err
		}
		defer release()
	}
	data, err := s.engine.Export(c.r.Context(), engine.ExportOptions{Passphrase: passphrase, Open: s.open})
	if err != nil {
		return answer{}, err
	}
	c.w.Header().Set("Content-Disposition", `attachment; filename="moonwatch.yaml"`)
	return answer{raw: data, media: "application/yaml; charset=utf-8"}, nil
}

func (s *configuration) importConfig(c *call) (answer, error) {
	passphrase, err := s.passphrase(c)
	if err != nil {
		return answer{}, err
	}
	o := engine.ImportOptions{Passphrase: passphrase, Open: s.open}
	for name, set := range map[string]*bool{"dry_run": &o.DryRun, "prune": &o.Prune} {
		given, err := c.flag(name)
		if err != nil {
			return answer{}, err
		}
		*set = given != nil && *given
	}
	if o.Variables, err = s.variables(c); err != nil {
		return answer{}, err
	}
	o.Hold = s.guard // new passwords are hashed
	report, err := s.engine.Import(c.r.Context(), c.actor(), c.text, o)
	if err != nil {
		return answer{}, err
	}
	emptyLists(report)
	for i := range report.Changes {
		emptyLists(&report.Changes[i])
	}
	return answer{body: report}, nil
}

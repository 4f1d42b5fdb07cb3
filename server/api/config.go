package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"moonwatch/engine/access"
	"moonwatch/engine/config"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// PassphraseHeader bears the passphrase of an export's secrets: a header, since
// addresses end up in logs.
const PassphraseHeader = "Moonwatch-Passphrase"

// variablesHeader bears the variables that a document names: those of the caller,
// since the monitor's own are nobody's to read.
const variablesHeader = "Moonwatch-Variables"

// MaxPassphrase bounds a passphrase, in bytes.
const MaxPassphrase = 1000

// yamlTypes are the media types that YAML is sent as.
func yamlTypes() []string { return []string{"application/yaml", "application/x-yaml", "text/yaml"} }

// configuration is all configuration as one document.
type configuration struct {
	engine *monitor.Monitor
	guard  func(context.Context) (func(), error) // bounds what takes memory
	open   func(object, field string, s form.Sealed) ([]byte, error)
}

// routes serve all configuration as one document.
func (s *configuration) routes(known rest.Shapes) []*rest.Route {
	text, flag := rest.Scalar(rest.TextShape), rest.Scalar(rest.BoolShape)
	return []*rest.Route{
		{
			Method:  "GET",
			Path:    "/export",
			Role:    access.Admin,
			Tag:     "configuration",
			Summary: "Export all configuration as YAML",
			Note:    "Objects name each other by name. Secrets are left out, or encrypted to the passphrase when one is given.",
			Gives:   yamlTypes()[:1],
			Headers: []rest.Param{rest.NewParam(PassphraseHeader, text, "encrypts secrets, password hashes and ping tokens into the document")},
			Handle:  s.export,
		},
		{Method: "POST", Path: "/import", Role: access.Admin, Tag: "configuration", Summary: "Import configuration from YAML",
			Note: "Adds and updates, by name. The document is validated whole first: with any problem nothing is written, and errors name " +
				"their lines. The answer says what became of each object.",
			Params: []rest.Param{rest.NewParam("dry_run", flag, "true: only say what would change"),
				rest.NewParam("prune", flag, "true: delete what is absent, in the sections that stand in the document")},
			Headers: []rest.Param{rest.NewParam(PassphraseHeader, text, "of the document's encrypted secrets"),
				rest.NewParam(variablesHeader, text, "values of {env: NAME} in the document, as NAME=value&…, each percent-encoded")},
			Takes: yamlTypes(), MaxBody: config.MaxBytes, Output: rest.ShapeOf[importer.ImportReport](known), Handle: s.importConfig},
	}
}

// passphrase reads the header; "" when there is none.
func (s *configuration) passphrase(c *rest.Call) (string, error) {
	p := strings.TrimSpace(c.Request.Header.Get(PassphraseHeader))
	switch {
	case len(p) > MaxPassphrase || rest.Unusable(p):
		return "", rest.Invalid(form.Error{Location: PassphraseHeader, Code: form.CodeInvalid, Message: "this is too long, or no text"})
	case p != "" && s.open == nil:
		return "", rest.Refuse(http.StatusServiceUnavailable, "this monitor cannot open its secrets")
	}
	return p, nil
}

// variables reads the header; nil when there is none.
func (s *configuration) variables(c *rest.Call) (map[string]string, error) {
	text := c.Request.Header.Get(variablesHeader)
	if text == "" {
		return nil, nil
	}
	given, err := url.ParseQuery(text)
	if err != nil {
		return nil, rest.Invalid(form.Error{
			Location: variablesHeader,
			Code:     form.CodeInvalid,
			Message:  "write NAME=value&…, each percent-encoded",
		})
	}
	out := make(map[string]string, len(given))
	for name := range given {
		out[name] = given.Get(name)
	}
	return out, nil
}

func (s *configuration) export(c *rest.Call) (rest.Answer, error) {
	passphrase, err := s.passphrase(c)
	if err != nil {
		return rest.Answer{}, err
	}
	if passphrase != "" { // making a key of it takes memory, as a password does
		release, err := s.guard(c.Request.Context())
		if err != nil {
			return rest.Answer{}, err
		}
		defer release()
	}
	data, err := s.engine.Config.Export(c.Request.Context(), importer.ExportOptions{Passphrase: passphrase, Open: s.open})
	if err != nil {
		return rest.Answer{}, err
	}
	c.Writer.Header().Set("Content-Disposition", `attachment; filename="moonwatch.yaml"`)
	return rest.Answer{Raw: data, Media: "application/yaml; charset=utf-8"}, nil
}

func (s *configuration) importConfig(c *rest.Call) (rest.Answer, error) {
	passphrase, err := s.passphrase(c)
	if err != nil {
		return rest.Answer{}, err
	}
	o := importer.ImportOptions{Passphrase: passphrase, Open: s.open}
	for name, set := range map[string]*bool{"dry_run": &o.DryRun, "prune": &o.Prune} {
		given, err := c.Flag(name)
		if err != nil {
			return rest.Answer{}, err
		}
		*set = given != nil && *given
	}
	if o.Variables, err = s.variables(c); err != nil {
		return rest.Answer{}, err
	}
	o.Hold = s.guard // new passwords are hashed
	report, err := s.engine.Config.Import(c.Request.Context(), c.Actor(), c.Text, o)
	if err != nil {
		return rest.Answer{}, err
	}
	rest.EmptyLists(report)
	for i := range report.Changes {
		rest.EmptyLists(&report.Changes[i])
	}
	return rest.Answer{Body: report}, nil
}

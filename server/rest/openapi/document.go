package openapi

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// About is what the document says of the server beside its routes.
type About struct {
	Version string // of the program; "" is "dev"
	Cookie  string // the name of the session's
}

// Route serves the document of the routes and of itself. The document is written
// now: what is changed of the routes later is not in it.
func Route(routes []*rest.Route, about About) (*rest.Route, error) {
	self := &rest.Route{
		Method:  http.MethodGet,
		Path:    "/openapi.json",
		Role:    access.Viewer,
		Tag:     "session",
		Summary: "This document",
		Output:  rest.FreeShape(),
		Status:  http.StatusOK,
	}
	text, err := document(append(slices.Clone(routes), self), about)
	if err != nil {
		return nil, err
	}
	self.Handle = func(*rest.Call) (rest.Answer, error) { return rest.Answer{Raw: text}, nil }
	return self, nil
}

// jsonObject is a JSON object of the document.
type jsonObject = map[string]any

// drawing writes the OpenAPI document from the table of routes.
type drawing struct {
	schemas jsonObject
}

// document is the OpenAPI 3.1 document of the routes that are served.
func document(routes []*rest.Route, about About) ([]byte, error) {
	d := &drawing{schemas: jsonObject{"Problem": problemSchema()}}
	paths := jsonObject{}
	for _, rt := range routes {
		item, _ := paths[rt.Path].(jsonObject)
		if item == nil {
			item = jsonObject{}
			paths[rt.Path] = item
		}
		item[strings.ToLower(rt.Method)] = d.operation(rt)
	}
	return json.Marshal(jsonObject{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": jsonObject{"title": "Moonwatch", "version": cmp.Or(about.Version, "dev"), "description": "Checks, services, incidents and alerts of this monitor. " +
			"Times are RFC 3339 in UTC, durations have units (\"30s\", \"1h30m\"). Fields that are read only are ignored in bodies."},
		"servers":  []any{jsonObject{"url": rest.Root}},
		"paths":    paths,
		"security": []any{jsonObject{"token": []any{}}, jsonObject{"session": []any{}}},
		"components": jsonObject{"schemas": d.schemas, "securitySchemes": jsonObject{
			"token":   jsonObject{"type": "http", "scheme": "bearer", "description": "An API token."},
			"session": jsonObject{"type": "apiKey", "in": "cookie", "name": about.Cookie, "description": "A browser's session."},
		}},
	})
}

func problemSchema() jsonObject {
	text := jsonObject{"type": "string"}
	return jsonObject{"type": "object", "required": []any{"type", "title", "status", "detail"}, "properties": jsonObject{
		"type": text, "title": text, "detail": text, "status": jsonObject{"type": "integer"},
		"errors": jsonObject{"type": "array", "items": jsonObject{"type": "object", "required": []any{"location", "message", "code"},
			"properties": jsonObject{
				"location": jsonObject{"type": "string", "description": "the field, such as config.endpoint or status_checks[0]"},
				"message":  text,
				"code": jsonObject{
					"type":        "string",
					"description": "required unknown type invalid min max unique not_found cycle, or the field's own",
				},
			}}},
	}}
}

var pathVariable = regexp.MustCompile(`\{(\w+)\}`)

func (d *drawing) operation(rt *rest.Route) jsonObject {
	needs := "Open to everybody."
	if rt.Role != "" {
		needs = "Needs the role " + string(rt.Role) + "."
	}
	op := jsonObject{"operationId": operationID(rt), "summary": rt.Summary, "tags": []any{rt.Tag},
		"description": strings.TrimSpace(needs + " " + rt.Note), "responses": d.responses(rt)}
	if rt.Role == "" {
		op["security"] = []any{}
	} else {
		op["x-role"] = string(rt.Role)
	}
	if params := d.parameters(rt); len(params) > 0 {
		op["parameters"] = params
	}
	switch {
	case rt.Input != nil:
		op["requestBody"] = jsonObject{"required": true, "content": jsonContent(d.input(rt))}
	case rt.Takes != nil:
		op["requestBody"] = jsonObject{"required": true, "content": textContent(rt.Takes)}
	}
	return op
}

// operationID names an operation: "patch_checks_id".
func operationID(rt *rest.Route) string {
	return strings.ToLower(rt.Method) + strings.NewReplacer("/", "_", "{", "", "}", "", "-", "_", ".", "_").Replace(rt.Path)
}

func (d *drawing) parameters(rt *rest.Route) []any {
	var out []any
	for _, m := range pathVariable.FindAllStringSubmatch(rt.Path, -1) {
		out = append(out, jsonObject{"name": m[1], "in": "path", "required": true, "schema": jsonObject{"type": "string"}})
	}
	for _, p := range rt.Params {
		s := p.Shape
		if s.Kind == rest.ListShape {
			s = s.Elem
		}
		schema := d.schema(s)
		delete(schema, "readOnly")
		out = append(out, jsonObject{"name": p.Name, "in": "query", "required": false, "schema": notNull(schema), "description": p.Note})
	}
	for _, p := range rt.Headers {
		out = append(out, jsonObject{"name": p.Name, "in": "header", "required": false, "schema": d.schema(p.Shape), "description": p.Note})
	}
	if rt.Stream {
		out = append(out, jsonObject{"name": "Last-Event-ID", "in": "header", "required": false, "schema": jsonObject{"type": "string"},
			"description": "the id of the last event that was seen: what came after it is sent first"})
	}
	if rt.Tagged && rt.Method != http.MethodGet && rt.Method != http.MethodPost {
		out = append(out, jsonObject{"name": "If-Match", "in": "header", "required": false, "schema": jsonObject{"type": "string"},
			"description": "the ETag that the change is made against; 412 when the object is another by now"})
	}
	return out
}

// input is the schema of a body: without what the server alone sets.
func (d *drawing) input(rt *rest.Route) jsonObject {
	if rt.Input.Kind != rest.ObjectShape {
		return d.schema(rt.Input)
	}
	name := component(rt.Input.Type) + "Input"
	if rt.Method == http.MethodPatch {
		name = component(rt.Input.Type) + "Patch"
	}
	properties := jsonObject{}
	for _, f := range rt.Input.Fields {
		if !f.Fixed && !rt.Ignored[f.Name] {
			properties[f.Name] = d.schema(f.Shape)
		}
	}
	schema := jsonObject{"type": "object", "properties": properties}
	if len(rt.Required) > 0 && rt.Method == http.MethodPost {
		schema["required"] = rt.Required
	}
	d.schemas[name] = schema
	return reference(name)
}

func (d *drawing) responses(rt *rest.Route) jsonObject {
	problem := jsonObject{"application/problem+json": jsonObject{"schema": reference("Problem")}}
	failed := func(words string) jsonObject { return jsonObject{"description": words, "content": problem} }
	out := jsonObject{strconv.Itoa(rt.Status): d.success(rt), "422": failed("values or parameters that are not accepted"),
		"400": failed("a malformed request")}
	if rt.Role != "" {
		out["401"], out["403"] = failed("no valid token or session"), failed("the caller's role does not allow it")
	}
	if strings.Contains(rt.Path, "{") {
		out["404"] = failed("no such object")
	}
	switch {
	case rt.Input != nil:
		out["413"], out["415"] = failed("the body is too large"), failed("the body is not application/json")
	case rt.Takes != nil:
		out["413"], out["415"] = failed("the body is too large"), failed("the body is not "+rt.Takes[0])
	}
	if rt.Method != http.MethodGet {
		out["409"], out["503"] = failed("the object's state does not allow it"), failed("the monitor does not take this now")
	}
	if rt.Tagged && rt.Method != http.MethodGet && rt.Method != http.MethodPost {
		out["412"] = failed("the object is not as If-Match says")
	}
	if rt.Role == "" {
		out["429"] = failed("too many attempts; Retry-After says how long to wait")
	}
	return out
}

func (d *drawing) success(rt *rest.Route) jsonObject {
	out := jsonObject{"description": http.StatusText(rt.Status)}
	headers := jsonObject{}
	if rt.Tagged && rt.Output != nil {
		headers["ETag"] = jsonObject{"schema": jsonObject{"type": "string"}, "description": "the object's revision, quoted"}
	}
	if rt.Status == http.StatusCreated {
		headers["Location"] = jsonObject{"schema": jsonObject{"type": "string"}}
	}
	if len(headers) > 0 {
		out["headers"] = headers
	}
	switch {
	case rt.Stream:
		out["content"] = textContent([]string{"text/event-stream"})
	case rt.Output == nil && rt.Gives != nil:
		out["content"] = textContent(rt.Gives)
	case rt.Output != nil && rt.List:
		out["content"] = jsonContent(jsonObject{"type": "object", "required": []any{"items", "next"}, "properties": jsonObject{
			"items": jsonObject{"type": "array", "items": d.schema(rt.Output)},
			"next":  jsonObject{"type": []any{"string", "null"}, "description": "the cursor of the next page"},
		}})
	case rt.Output != nil:
		out["content"] = jsonContent(d.schema(rt.Output))
	}
	if content, ok := out["content"].(jsonObject); ok && rt.Output != nil {
		maps.Copy(content, textContent(rt.Gives))
	}
	return out
}

// textContent is content that the document says nothing more of.
func textContent(types []string) jsonObject {
	out := jsonObject{}
	for _, t := range types {
		out[t] = jsonObject{"schema": jsonObject{"type": "string"}}
	}
	return out
}

func jsonContent(schema jsonObject) jsonObject {
	return jsonObject{"application/json": jsonObject{"schema": schema}}
}

func reference(name string) jsonObject { return jsonObject{"$ref": "#/components/schemas/" + name} }

// schema describes a shape; objects become components.
func (d *drawing) schema(s *rest.Shape) jsonObject {
	out := jsonObject{}
	switch s.Kind {
	case rest.TextShape:
		out["type"] = "string"
		if len(s.Choices) > 0 {
			out["enum"] = append(anyList(s.Choices), "")
		}
	case rest.WholeShape:
		out["type"] = "integer"
	case rest.NumberShape:
		out["type"] = "number"
	case rest.BoolShape:
		out["type"] = "boolean"
	case rest.InstantShape:
		out["type"], out["format"] = "string", "date-time"
	case rest.DurationShape:
		out["type"], out["examples"] = "string", []any{"30s", "1h30m"}
		out["pattern"] = `^([0-9.]+ *(ms|s|m|h|d|w) *)+$`
	case rest.RefShape:
		one := func(name string) jsonObject {
			return jsonObject{"type": "object", "required": []any{name}, "additionalProperties": false,
				"properties": jsonObject{name: jsonObject{"type": "string"}}}
		}
		out["oneOf"] = []any{one("service"), one("instance")}
	case rest.ValuesShape:
		out["type"], out["additionalProperties"] = "object", true
	case rest.ListShape:
		out["type"], out["items"] = "array", d.schema(s.Elem)
	case rest.MapShape:
		out["type"], out["additionalProperties"] = "object", d.schema(s.Elem)
		if len(s.Choices) > 0 {
			out["propertyNames"] = jsonObject{"enum": anyList(s.Choices)}
		}
	case rest.ObjectShape:
		out = d.component(s)
	}
	if s.Nullable {
		return orNull(out)
	}
	return out
}

// component describes an object once, under its name.
func (d *drawing) component(s *rest.Shape) jsonObject {
	name := component(s.Type)
	if d.schemas[name] == nil {
		properties, required := jsonObject{}, []any{}
		d.schemas[name] = jsonObject{} // so that what refers to itself ends
		for _, f := range s.Fields {
			properties[f.Name] = d.schema(f.Shape)
			if !f.Optional {
				required = append(required, f.Name)
			}
		}
		d.schemas[name] = jsonObject{"type": "object", "properties": properties, "required": required}
	}
	return reference(name)
}

// component is the name of a type in the document: "Check" for CheckView.
func component(t reflect.Type) string {
	name := t.Name()
	if path.Base(t.PkgPath()) == "rota" { // its Problem is not the document's
		name = "Rota" + name
	}
	for _, suffix := range []string{"View", "Input"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func orNull(schema jsonObject) jsonObject {
	if one, ok := schema["type"].(string); ok {
		schema["type"] = []any{one, "null"}
		if list, ok := schema["enum"].([]any); ok {
			schema["enum"] = append(list, nil)
		}
		return schema
	}
	if len(schema) == 0 { // anything
		return schema
	}
	return jsonObject{"anyOf": []any{schema, jsonObject{"type": "null"}}}
}

func notNull(schema jsonObject) jsonObject {
	if list, ok := schema["type"].([]any); ok {
		schema["type"] = list[0]
	}
	return schema
}

func anyList(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

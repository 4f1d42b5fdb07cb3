package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"moonwatch/engine/access"
)

// documentRoute serves the document of all routes.
func (s *Router) documentRoute() *route {
	return &route{method: "GET", path: "/openapi.json", role: access.Viewer, tag: "session", summary: "This document",
		output: freeShape(),
		handle: func(*call) (answer, error) { return answer{raw: s.openapi}, nil }}
}

// object is a JSON object of the document.
type jsonObject = map[string]any

// drawing writes the OpenAPI document from the table of routes.
type drawing struct {
	schemas jsonObject
}

// document is the OpenAPI 3.1 document of the routes that are served.
func (s *Router) document() ([]byte, error) {
	d := &drawing{schemas: jsonObject{"Problem": problemSchema()}}
	paths := jsonObject{}
	for _, rt := range s.routes {
		item, _ := paths[rt.path].(jsonObject)
		if item == nil {
			item = jsonObject{}
			paths[rt.path] = item
		}
		item[strings.ToLower(rt.method)] = d.operation(rt)
	}
	version := s.o.Version
	if version == "" {
		version = "dev"
	}
	return json.Marshal(jsonObject{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": jsonObject{"title": "Moonwatch", "version": version, "description": "Checks, services, incidents and alerts of this monitor. " +
			"Times are RFC 3339 in UTC, durations have units (\"30s\", \"1h30m\"). Fields that are read only are ignored in bodies."},
		"servers":  []any{jsonObject{"url": apiRoot}},
		"paths":    paths,
		"security": []any{jsonObject{"token": []any{}}, jsonObject{"session": []any{}}},
		"components": jsonObject{"schemas": d.schemas, "securitySchemes": jsonObject{
			"token":   jsonObject{"type": "http", "scheme": "bearer", "description": "An API token."},
			"session": jsonObject{"type": "apiKey", "in": "cookie", "name": s.o.Cookie, "description": "A browser's session."},
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
				"code":     jsonObject{"type": "string", "description": "required unknown type invalid min max unique not_found cycle, or the field's own"},
			}}},
	}}
}

var pathVariable = regexp.MustCompile(`\{(\w+)\}`)

func (d *drawing) operation(rt *route) jsonObject {
	needs := "Open to everybody."
	if rt.role != "" {
		needs = "Needs the role " + string(rt.role) + "."
	}
	op := jsonObject{"operationId": operationID(rt), "summary": rt.summary, "tags": []any{rt.tag},
		"description": strings.TrimSpace(needs + " " + rt.note), "responses": d.responses(rt)}
	if rt.role == "" {
		op["security"] = []any{}
	} else {
		op["x-role"] = string(rt.role)
	}
	if params := d.parameters(rt); len(params) > 0 {
		op["parameters"] = params
	}
	switch {
	case rt.input != nil:
		op["requestBody"] = jsonObject{"required": true, "content": jsonContent(d.input(rt))}
	case rt.takes != nil:
		op["requestBody"] = jsonObject{"required": true, "content": textContent(rt.takes)}
	}
	return op
}

// operationID names an operation: "patch_checks_id".
func operationID(rt *route) string {
	return strings.ToLower(rt.method) + strings.NewReplacer("/", "_", "{", "", "}", "", "-", "_", ".", "_").Replace(rt.path)
}

func (d *drawing) parameters(rt *route) []any {
	var out []any
	for _, m := range pathVariable.FindAllStringSubmatch(rt.path, -1) {
		out = append(out, jsonObject{"name": m[1], "in": "path", "required": true, "schema": jsonObject{"type": "string"}})
	}
	for _, p := range rt.params {
		s := p.shape
		if s.kind == listShape {
			s = s.elem
		}
		schema := d.schema(s)
		delete(schema, "readOnly")
		out = append(out, jsonObject{"name": p.name, "in": "query", "required": false, "schema": notNull(schema), "description": p.note})
	}
	for _, p := range rt.headers {
		out = append(out, jsonObject{"name": p.name, "in": "header", "required": false, "schema": d.schema(p.shape), "description": p.note})
	}
	if rt.stream {
		out = append(out, jsonObject{"name": "Last-Event-ID", "in": "header", "required": false, "schema": jsonObject{"type": "string"},
			"description": "the id of the last event that was seen: what came after it is sent first"})
	}
	if rt.tagged && rt.method != http.MethodGet && rt.method != http.MethodPost {
		out = append(out, jsonObject{"name": "If-Match", "in": "header", "required": false, "schema": jsonObject{"type": "string"},
			"description": "the ETag that the change is made against; 412 when the object is another by now"})
	}
	return out
}

// input is the schema of a body: without what the server alone sets.
func (d *drawing) input(rt *route) jsonObject {
	if rt.input.kind != objectShape {
		return d.schema(rt.input)
	}
	name := component(rt.input.typ) + "Input"
	if rt.method == http.MethodPatch {
		name = component(rt.input.typ) + "Patch"
	}
	properties := jsonObject{}
	for _, f := range rt.input.fields {
		if !f.fixed && !rt.ignored[f.name] {
			properties[f.name] = d.schema(f.shape)
		}
	}
	schema := jsonObject{"type": "object", "properties": properties}
	if len(rt.required) > 0 && rt.method == http.MethodPost {
		schema["required"] = rt.required
	}
	d.schemas[name] = schema
	return reference(name)
}

func (d *drawing) responses(rt *route) jsonObject {
	problem := jsonObject{"application/problem+json": jsonObject{"schema": reference("Problem")}}
	failed := func(words string) jsonObject { return jsonObject{"description": words, "content": problem} }
	out := jsonObject{strconv.Itoa(rt.status): d.success(rt), "422": failed("values or parameters that are not accepted"),
		"400": failed("a malformed request")}
	if rt.role != "" {
		out["401"], out["403"] = failed("no valid token or session"), failed("the caller's role does not allow it")
	}
	if strings.Contains(rt.path, "{") {
		out["404"] = failed("no such object")
	}
	switch {
	case rt.input != nil:
		out["413"], out["415"] = failed("the body is too large"), failed("the body is not application/json")
	case rt.takes != nil:
		out["413"], out["415"] = failed("the body is too large"), failed("the body is not "+rt.takes[0])
	}
	if rt.method != http.MethodGet {
		out["409"], out["503"] = failed("the object's state does not allow it"), failed("the monitor does not take this now")
	}
	if rt.tagged && rt.method != http.MethodGet && rt.method != http.MethodPost {
		out["412"] = failed("the object is not as If-Match says")
	}
	if rt.role == "" {
		out["429"] = failed("too many attempts; Retry-After says how long to wait")
	}
	return out
}

func (d *drawing) success(rt *route) jsonObject {
	out := jsonObject{"description": http.StatusText(rt.status)}
	headers := jsonObject{}
	if rt.tagged && rt.output != nil {
		headers["ETag"] = jsonObject{"schema": jsonObject{"type": "string"}, "description": "the object's revision, quoted"}
	}
	if rt.status == http.StatusCreated {
		headers["Location"] = jsonObject{"schema": jsonObject{"type": "string"}}
	}
	if len(headers) > 0 {
		out["headers"] = headers
	}
	switch {
	case rt.stream:
		out["content"] = textContent([]string{"text/event-stream"})
	case rt.output == nil && rt.gives != nil:
		out["content"] = textContent(rt.gives)
	case rt.output != nil && rt.list:
		out["content"] = jsonContent(jsonObject{"type": "object", "required": []any{"items", "next"}, "properties": jsonObject{
			"items": jsonObject{"type": "array", "items": d.schema(rt.output)},
			"next":  jsonObject{"type": []any{"string", "null"}, "description": "the cursor of the next page"},
		}})
	case rt.output != nil:
		out["content"] = jsonContent(d.schema(rt.output))
	}
	if content, ok := out["content"].(jsonObject); ok && rt.output != nil {
		maps.Copy(content, textContent(rt.gives))
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
func (d *drawing) schema(s *shape) jsonObject {
	out := jsonObject{}
	switch s.kind {
	case textShape:
		out["type"] = "string"
		if len(s.choices) > 0 {
			out["enum"] = append(anyList(s.choices), "")
		}
	case wholeShape:
		out["type"] = "integer"
	case numberShape:
		out["type"] = "number"
	case boolShape:
		out["type"] = "boolean"
	case instantShape:
		out["type"], out["format"] = "string", "date-time"
	case durationShape:
		out["type"], out["examples"] = "string", []any{"30s", "1h30m"}
		out["pattern"] = `^([0-9.]+ *(ms|s|m|h|d|w) *)+$`
	case refShape:
		one := func(name string) jsonObject {
			return jsonObject{"type": "object", "required": []any{name}, "additionalProperties": false,
				"properties": jsonObject{name: jsonObject{"type": "string"}}}
		}
		out["oneOf"] = []any{one("service"), one("instance")}
	case valuesShape:
		out["type"], out["additionalProperties"] = "object", true
	case listShape:
		out["type"], out["items"] = "array", d.schema(s.elem)
	case mapShape:
		out["type"], out["additionalProperties"] = "object", d.schema(s.elem)
		if len(s.choices) > 0 {
			out["propertyNames"] = jsonObject{"enum": anyList(s.choices)}
		}
	case objectShape:
		out = d.component(s)
	}
	if s.nullable {
		return orNull(out)
	}
	return out
}

// component describes an object once, under its name.
func (d *drawing) component(s *shape) jsonObject {
	name := component(s.typ)
	if d.schemas[name] == nil {
		properties, required := jsonObject{}, []any{}
		d.schemas[name] = jsonObject{} // so that what refers to itself ends
		for _, f := range s.fields {
			properties[f.name] = d.schema(f.shape)
			if !f.optional {
				required = append(required, f.name)
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

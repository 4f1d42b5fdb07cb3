package examples_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi"
)

// load reads the two skeletons as an operator would: from a plugin folder.
func load(t *testing.T, env map[string]string) *luaapi.Runtime {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"cabot_check_skeleton.lua", "cabot_alert_skeleton.lua"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rt, err := luaapi.New(luaapi.Options{
		Dir: dir,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	if err := rt.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, e := range rt.List() {
		for _, p := range append(e.Problems, e.Warnings...) {
			t.Errorf("%s:%d: %s", p.File, p.Line, p.Message)
		}
	}
	return rt
}

func plugin(t *testing.T, rt *luaapi.Runtime, slug string) engine.Plugin {
	t.Helper()
	e, ok := rt.Plugin(slug)
	if !ok || e.Plugin == nil {
		t.Fatalf("%s did not load: %+v", slug, e)
	}
	return e.Plugin
}

func TestCheckSkeleton(t *testing.T) {
	for _, tt := range []struct {
		name, bones, bone string
		set               bool
		err               string // "" passes
	}{
		{name: "in the list", set: true, bones: "femur,tibia", bone: "tibia"},
		{name: "the only one", set: true, bones: "femur", bone: "femur"},
		{name: "not in the list", set: true, bones: "femur,tibia", bone: "wing", err: "wing is not in the list of bones"},
		{name: "part of a name", set: true, bones: "femur,tibia", bone: "fem", err: "fem is not in the list of bones"},
		{name: "a blank counts", set: true, bones: "femur, tibia", bone: "tibia", err: "tibia is not in the list of bones"},
		{name: "not set", bone: "femur", err: "SKELETON_LIST_OF_BONES is notdefined in environment variables"},
		{name: "set to nothing", set: true, bone: "femur", err: "SKELETON_LIST_OF_BONES is notdefined in environment variables"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{}
			if tt.set {
				env["SKELETON_LIST_OF_BONES"] = tt.bones
			}
			p := plugin(t, load(t, env), "cabot_check_skeleton")
			config, errs := p.Meta().Forms[engine.ConfigForm].Clean(t.Context(), map[string]any{"bone_name": tt.bone}, form.Options{})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			in := &engine.CheckRun{Check: &engine.Check{
				Meta: engine.Meta{ID: "c1"}, Name: "left leg", Plugin: "cabot_check_skeleton", Config: config, Active: true,
				Importance: engine.StatusError, Interval: engine.Duration(time.Minute), Timeout: engine.Duration(5 * time.Second),
			}}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			got := p.Run(ctx, in)
			if got.Succeeded != (tt.err == "") || got.Error != tt.err || got.Unknown {
				t.Errorf("got %+v, want error %q", got, tt.err)
			}
			text, err := p.Describe(ctx, in)
			if want := "Check whether " + tt.bone + " is in list of bones."; err != nil || text != want {
				t.Errorf("got description %q, %v, want %q", text, err, want)
			}
		})
	}
}

func TestCheckSkeletonMeta(t *testing.T) {
	m := plugin(t, load(t, nil), "cabot_check_skeleton").Meta()
	if m.Name != "SkeletonStatusCheckPlugin" || m.Author != "Jonathan Balls" || m.Version != "0.0.1" || m.FontIcon != "glyphicon glyphicon-skull" ||
		len(m.Variables) != 1 || m.Variables[0] != "SKELETON_LIST_OF_BONES" || m.Kind != engine.CheckPlugin {
		t.Errorf("got %+v", m)
	}
	fields := m.Forms[engine.ConfigForm].Fields
	if len(fields) != 1 || fields[0].Name != "bone_name" || fields[0].Type != form.Char || fields[0].HelpText != "Name of the bone to check" || !fields[0].Required {
		t.Errorf("got fields %+v", fields)
	}
}

func TestAlertSkeleton(t *testing.T) {
	p := plugin(t, load(t, map[string]string{"CALCIUM_LEVEL": "9"}), "cabot_alert_skeleton")
	m := p.Meta()
	if m.Name != "Skeleton" || m.Author != "Jonathan Balls" || m.Version != "0.0.1" || m.FontIcon != "fa fa-code" || m.Kind != engine.AlertPlugin {
		t.Errorf("got %+v", m)
	}
	user := func(name, bone string) engine.UserSnapshot {
		settings, errs := m.Forms[engine.UserConfigForm].Clean(t.Context(), map[string]any{"favorite_bone": bone}, form.Options{})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		return engine.UserSnapshot{ID: name, Username: name, Settings: settings}
	}
	call := &engine.AlertCall{
		Service: &engine.AlertSnapshot{
			Subject: engine.Ref{Kind: engine.KindService, ID: "s1"}, Name: "Skeleton service", OverallStatus: engine.StatusError,
			PageURL: "https://moon.example/services/s1", Kind: engine.AlertFiring, IncidentKey: "i-1",
			Failing: []engine.CheckRecord{{ID: "c1", Name: "left leg", Error: "broken"}},
		},
		Attempt: 1, Users: []engine.UserSnapshot{user("ada", "femur"), user("bob", "tibia")},
		DutyOfficers: []engine.UserSnapshot{user("eve", "skull")},
	}
	got := p.Alert(t.Context(), call)
	if got.Outcome != engine.OutcomeSent || len(got.Log) != 2 {
		t.Fatalf("got %+v", got)
	}
	const status = "Service Skeleton service reporting ERROR status: https://moon.example/services/s1. Checks failing: left leg (broken)"
	for i, bone := range []string{"femur", "tibia"} {
		if want := status + " - This is bad for your " + bone + "."; got.Log[i].Message != want || got.Log[i].Level != "info" {
			t.Errorf("got line %+v, want %s", got.Log[i], want)
		}
	}
	call.Users = nil
	if got := p.Alert(t.Context(), call); got.Outcome != engine.OutcomeSent || len(got.Log) != 0 {
		t.Errorf("nobody: got %+v, want it sent", got)
	}
	long := make([]byte, 101)
	for i := range long {
		long[i] = 'x'
	}
	if _, errs := m.Forms[engine.UserConfigForm].Clean(t.Context(), map[string]any{"favorite_bone": string(long)}, form.Options{}); len(errs) != 1 {
		t.Errorf("got %+v for a bone of 101 characters, want a complaint", errs)
	}
}

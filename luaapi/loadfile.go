package luaapi

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/runner"
)

// LoadFile loads one plugin file, or a folder with a plugin.lua, that need not
// lie in the plugin folder; the registry does not change. It returns the file's
// plugins, or its problems; warnings come with both. path/to/plugin.lua is the
// folder that it lies in. File names in problems are relative to the folder
// above the plugin.
func (rt *Runtime) LoadFile(ctx context.Context, path string) (plugins []engine.Plugin, found, warnings []engine.PluginProblem) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, []engine.PluginProblem{{File: path, Message: err.Error()}}, nil
	}
	if filepath.Base(full) == loader.MainFile {
		full = filepath.Dir(full)
	}
	name := filepath.Base(full)
	s, err := loader.ReadSource(os.DirFS(filepath.Dir(full)), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, []engine.PluginProblem{{File: path, Message: "there is no such file"}}, nil
	case s != nil && s.Folder && s.Files[loader.MainFile] == "" && err == nil:
		return nil, []engine.PluginProblem{{File: path, Message: "the folder has no " + loader.MainFile}}, nil
	}
	var out *runner.Loaded
	if err != nil {
		out = &runner.Loaded{Problems: loader.Problems{loader.WholeFile(name, err.Error())}}
	} else {
		out = rt.runner.Load(ctx, s, loader.ShownFile(name, s.Folder, false))
	}
	for _, v := range out.Plugins {
		plugins = append(plugins, v)
	}
	return plugins, out.Problems, out.Warnings
}

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"moonwatch/luaapi/describe"
	"moonwatch/plugins"
)

// editorConfig is the settings of LuaLS for a folder.
const editorConfig = ".luarc.json"

// shippedModules is the folder of the modules that ship, in the binary and among
// the definitions: require "shipped.sql" is shipped/sql.lua.
const shippedModules = "shipped"

// writeEditorFiles puts what editors want to know of the plugin contract into a
// folder with plugins: definitions and the modules that ship, which are ours and written again when they
// are not as they should be, and the editor's settings, which may be somebody's
// own and are written only where there are none.
func writeEditorFiles(dir string) error {
	definitions := filepath.Join(dir, describe.DefinitionsDir)
	if err := os.MkdirAll(filepath.Join(definitions, shippedModules), 0o755); err != nil {
		return fmt.Errorf("write definitions for editors: %w", err)
	}
	files := describe.Definitions()
	modules, err := fs.Glob(plugins.Files(), shippedModules+"/*.lua")
	for _, name := range modules {
		var text []byte
		if text, err = fs.ReadFile(plugins.Files(), name); err != nil {
			break
		}
		files[name] = string(text)
	}
	if err != nil {
		return fmt.Errorf("read the modules that ship: %w", err)
	}
	var problems []error
	for _, name := range describe.FileNames(files) {
		path := filepath.Join(definitions, name)
		if have, err := os.ReadFile(path); err == nil && string(have) == files[name] {
			continue
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			problems = append(problems, fmt.Errorf("write definitions for editors: %w", err))
		}
	}
	path := filepath.Join(dir, editorConfig)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(path, []byte(describe.EditorConfig()), 0o644); err != nil {
			problems = append(problems, fmt.Errorf("write settings for editors: %w", err))
		}
	}
	return errors.Join(problems...)
}

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"moonwatch/luaapi/starter"
	"moonwatch/plugins"
)

type pluginNewCommand struct {
	Kind string `arg:"" enum:"check,alert" help:"check or alert."`
	Name string `arg:"" help:"The plugin's name, which names its file: letters, digits and _."`
}

// Run writes NAME.lua and NAME_test.lua into the current folder. It overwrites
// nothing: when either is there, it writes neither.
func (c *pluginNewCommand) Run(s streams) error {
	slug, err := slugOf(c.Name)
	if err != nil {
		return err
	}
	source, test := starter.Plugin(c.Kind == "alert", slug)
	files := []struct{ name, text string }{{slug + ".lua", source}, {slug + "_test.lua", test}}
	for _, f := range files {
		if _, err := os.Lstat(f.name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already; nothing was written", f.name)
		}
	}
	for i, f := range files {
		if err := writeNew(f.name, f.text); err != nil {
			for _, written := range files[:i] {
				_ = os.Remove(written.name) // ours, of a moment ago
			}
			return err
		}
	}
	if err := writeEditorFiles("."); err != nil {
		fmt.Fprintf(s.err, "note: %s\n", err)
	}
	if _, err := fs.Stat(plugins.Files(), slug+".lua"); err == nil {
		fmt.Fprintf(s.err, "note: in the plugin folder, %s.lua takes the place of the plugin %s that ships\n", slug, slug)
	}
	if slug != strings.TrimSuffix(c.Name, ".lua") {
		fmt.Fprintf(s.out, "%s cannot be a slug: the plugin's is %s\n", c.Name, slug)
	}
	fmt.Fprintf(s.out, "wrote %s and %s\n", files[0].name, files[1].name)
	fmt.Fprintf(s.out, "test it:  moonwatch plugin test %s\n", files[0].name)
	fmt.Fprintf(s.out, "work on:  moonwatch plugin watch %s\n", files[0].name)
	return nil
}

// writeNew writes a file that must not be there yet.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// slugOf makes the slug of a plugin, which is the name of its file too.
func slugOf(name string) (string, error) {
	slug := strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(name, ".lua")), "-", "_")
	switch {
	case !regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`).MatchString(slug):
		return "", fmt.Errorf("the name %q cannot be a slug: it must begin with a letter, and hold letters, digits and _ alone", name)
	case strings.HasSuffix(slug, "_test"):
		return "", fmt.Errorf("a name that ends in _test is that of a test")
	case slug == "plugin":
		return "", fmt.Errorf("the name plugin is that of a folder's main file: choose another")
	}
	return slug, nil
}

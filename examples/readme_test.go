package examples_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme holds that the walk-through quotes the skeletons as they are.
func TestReadme(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	sources := read("cabot_check_skeleton.lua") + read("cabot_alert_skeleton.lua")
	blocks := regexp.MustCompile("(?s)```lua\n(.*?)```").FindAllStringSubmatch(read("README.md"), -1)
	if len(blocks) < 10 {
		t.Fatalf("got %d quotations, want the whole walk", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(sources, block[1]) {
			t.Errorf("no skeleton holds\n%s", block[1])
		}
	}
}

package luaapi

import (
	"context"

	"moonwatch/luaapi/internal/loader"
)

// loadResult is what came of loading one source.
type loadResult struct {
	plugins  []*version // nil when there is a problem
	problems loader.Problems
	warnings loader.Problems
	slugs    []string // what the file says it defines, also when it has problems
}

// load compiles and validates a source, and makes versions of its plugins. It
// blocks for at most a moment more than a second, whatever the source does.
func (rt *Runtime) load(ctx context.Context, s *loader.Source, shownAs string) *loadResult {
	read := rt.loader.Load(ctx, s, shownAs)
	out := &loadResult{problems: read.Problems, warnings: read.Warnings, slugs: read.Slugs}
	if len(read.Plugins) == 0 {
		return out
	}
	shared := rt.newPool()
	for _, p := range read.Plugins {
		out.plugins = append(out.plugins, &version{Plugin: p, rt: rt, pool: shared, counts: rt.counts.of(p.Manifest.Slug)})
	}
	return out
}

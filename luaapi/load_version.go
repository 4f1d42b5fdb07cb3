package luaapi

import "context"

// loadResult is what came of loading one source.
type loadResult struct {
	plugins  []*version // nil when there is a problem
	problems problems
	warnings problems
	slugs    []string // what the file says it defines, also when it has problems
}

// load compiles and validates a source, and makes versions of its plugins. It
// blocks for at most a moment more than a second, whatever the source does.
func (rt *Runtime) load(ctx context.Context, s *source, shownAs string) *loadResult {
	read := rt.loader.load(ctx, s, shownAs)
	out := &loadResult{problems: read.problems, warnings: read.warnings, slugs: read.slugs}
	if len(read.plugins) == 0 {
		return out
	}
	shared := rt.newPool()
	for _, p := range read.plugins {
		out.plugins = append(out.plugins, &version{loadedPlugin: p, rt: rt, pool: shared, counts: rt.counts.of(p.meta.Slug)})
	}
	return out
}

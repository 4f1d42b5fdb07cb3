package engine

import (
	"context"
	"time"
)

// PluginEditor is a registry whose plugins can be written: Plugins that are
// given to Start may have it.
type PluginEditor interface {
	// SourceOf returns the files of a plugin as they are now, good or not.
	SourceOf(slug string) (PluginSource, error)
	// Draft loads sources aside and says what is wrong with them. It blocks for
	// about a second at most. With nothing wrong it also lists what they define.
	Draft(ctx context.Context, s PluginSource) DraftReport
	// TryDraft runs one check plugin of sources that are not in force.
	TryDraft(ctx context.Context, s PluginSource, slug string, in *CheckRun) (TryReport, error)
	// WriteSource writes the files into the plugin folder and puts them in force
	// before it returns. Files that do not load are refused.
	WriteSource(ctx context.Context, s PluginSource) error
	// RemoveSource removes the files of s from the plugin folder and takes what
	// they define out of force before it returns. Other files of a plugin's
	// folder stay.
	RemoveSource(ctx context.Context, s PluginSource) error
}

// DraftReport is what loading a draft found.
type DraftReport struct {
	Problems []PluginProblem `json:"problems"`
	Warnings []PluginProblem `json:"warnings"`
	Plugins  []Plugin        `json:"-"` // nil when there are problems
}

// TryReport is what a run of a draft did.
type TryReport struct {
	Run     RunReport
	Version string
	Calls   []TracedCall
	More    int // further calls, which were not recorded
}

// TracedCall is one thing that a run did outside. Secrets in it are masked.
type TracedCall struct {
	Kind    string        `json:"kind"` // http tcp icmp smtp dns certificate exec sleep
	Target  string        `json:"target"`
	Request string        `json:"request"`
	Answer  string        `json:"answer"`
	Error   string        `json:"error"`
	Start   time.Time     `json:"start"`
	Took    time.Duration `json:"took"`
}

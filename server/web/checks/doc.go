// Package checks is the pages of checks: the list, one check with its charts and
// results, its form with a try before it is saved, and what is done to it.
//
// A check's form has two parts: the engine's own fields (form.go) and those of its
// plugin, as the plugin is while the page is open. When that changes meanwhile,
// what was typed is kept and the page says so.
package checks

// Package pluginedit is the pages of plugins: the list, one plugin with its
// settings, cost and versions, the reference for authors, and the editor, which
// checks, tries and saves a draft and shows what a change would change.
//
// Admins write plugins, editors read their sources, viewers see what there is. A
// draft lives in the form alone: nothing is kept until it is saved, and a save
// names the fingerprint of the files that its author has seen.
//
// What loads and runs a draft is the engine, through the registry it was given;
// the package knows no Lua.
package pluginedit

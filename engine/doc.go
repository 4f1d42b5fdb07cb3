// Package engine is the vocabulary of the monitor: the objects that people
// configure (services, instances, checks, users, rotas, silences), what is observed
// and derived of them (results, statuses, incidents, deliveries), the errors that
// commands return, and the interfaces by which the parts ask each other: Store and
// Sealer for what lies on the disk, Plugins and Plugin for what runs Lua, Fetcher and
// Prober for the network.
//
// It holds no behaviour of its own: luaapi and storage need nothing but this. What
// happens to the objects stands in the packages below it, each of one noun, in this
// order, and each imports only what stands before it:
//
//	form access rota cron pattern   pure parts without the vocabulary
//	silence schedule judge          pure, over the vocabulary
//	state                           the tables, and the one goroutine that writes
//	oncall history                  who is on duty; what was
//	alert                           from a status to an attempt of delivery
//	edit                            what people change
//	config/importer                 the configuration as a file
//	monitor                         all of it together: runs, pings, plugins
package engine

package main

type pluginCommands struct {
	Run  pluginRunCommand  `cmd:"" help:"Run a check plugin once: exit 0 passed, 1 failed or unknown, 2 could not run."`
	List pluginListCommand `cmd:"" help:"List the plugins that ship and those of the plugin folder."`
}

package cli

type pluginCommands struct {
	New   pluginNewCommand   `cmd:"" help:"Write a new plugin and its test into this folder."`
	Lint  pluginLintCommand  `cmd:"" help:"Look for mistakes in plugins: file:line:column: message, exit 1 on any."`
	Test  pluginTestCommand  `cmd:"" help:"Run plugins' tests: exit 1 on a failure, 2 when none could be run."`
	Watch pluginWatchCommand `cmd:"" help:"Lint, test and run a plugin at each save."`
	Run   pluginRunCommand   `cmd:"" help:"Run a check plugin once: exit 0 passed, 1 failed or unknown, 2 could not run."`
	Doc   pluginDocCommand   `cmd:"" help:"Print what a plugin's settings are, as Markdown."`
	Send  pluginSendCommand  `cmd:"" help:"Send one alert through an alert plugin: exit 0 sent or skipped, 1 not sent, 2 could not."`
	List  pluginListCommand  `cmd:"" help:"List the plugins that ship and those of the plugin folder, as the running monitor has them, or else as their files say."`
}

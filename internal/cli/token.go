package cli

import (
	"context"
	"errors"
	"fmt"
)

type tokenCommands struct {
	Create tokenCreateCommand `cmd:"" help:"Make an API token; its secret is printed alone on the last line, once."`
}

type tokenCreateCommand struct {
	dataFlag
	User string `required:"" help:"The user that the token acts for."`
	Name string `default:"made on the command line" help:"What the token is for."`
}

// Run makes the token.
func (c *tokenCreateCommand) Run(s streams) error {
	ctx := context.Background()
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	id, err := api.userID(ctx, c.User)
	var made struct{ Token string }
	if err == nil {
		err = api.call(ctx, "POST", "/tokens", map[string]any{"user": id, "name": c.Name}, &made)
	}
	if err == nil {
		fmt.Fprintf(s.err, "a token of %s; it is shown only now:\n", c.User)
		fmt.Fprintln(s.out, made.Token)
	}
	return errors.Join(err, api.close())
}

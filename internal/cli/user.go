package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

type userCommands struct {
	Add    userAddCommand    `cmd:"" help:"Add a user."`
	Passwd userPasswdCommand `cmd:"" help:"Set a user's password."`
}

type userAddCommand struct {
	dataFlag
	Name          string `arg:"" help:"The username."`
	Role          string `required:"" enum:"viewer,operator,editor,admin" help:"viewer, operator, editor or admin."`
	Email         string `help:"The e-mail address."`
	PasswordStdin bool   `help:"Read the password from the first line of standard input."`
}

// Run adds the user.
func (c *userAddCommand) Run(s streams) error {
	password, err := readPassword(s, c.PasswordStdin)
	if err != nil {
		return err
	}
	ctx := context.Background()
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	err = api.call(ctx, "POST", "/users", map[string]any{"username": c.Name, "role": c.Role, "email": c.Email, "password": password}, nil)
	if err == nil {
		fmt.Fprintf(s.out, "added %s as %s\n", c.Name, c.Role)
	}
	return errors.Join(err, api.close())
}

type userPasswdCommand struct {
	dataFlag
	Name          string `arg:"" help:"The username."`
	PasswordStdin bool   `help:"Read the password from the first line of standard input."`
}

// Run sets the password, which ends the user's sessions.
func (c *userPasswdCommand) Run(s streams) error {
	password, err := readPassword(s, c.PasswordStdin)
	if err != nil {
		return err
	}
	ctx := context.Background()
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	id, err := api.userID(ctx, c.Name)
	if err == nil {
		err = api.call(ctx, "PATCH", "/users/"+id, map[string]any{"password": password}, nil)
	}
	if err == nil {
		fmt.Fprintf(s.out, "set the password of %s\n", c.Name)
	}
	return errors.Join(err, api.close())
}

// readPassword reads a new password: from a terminal unseen, and twice.
func readPassword(s streams, stdin bool) (string, error) {
	f, ok := s.in.(*os.File)
	if stdin || !ok || !term.IsTerminal(int(f.Fd())) {
		if !stdin {
			fmt.Fprint(s.err, "Password: ")
		}
		return readSecret(s, "password")
	}
	before, err := term.MakeRaw(int(f.Fd())) // from before the question on: what is typed early is not seen either
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	defer term.Restore(int(f.Fd()), before)
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{f, s.err}, "")
	first, err := t.ReadPassword("Password: ")
	if err != nil || first == "" {
		return "", errors.New("no password was typed")
	}
	again, err := t.ReadPassword("The same again: ")
	if err != nil {
		return "", errors.New("the password was not typed again: nothing was changed")
	}
	if first != again {
		return "", errors.New("the two passwords differ: nothing was changed")
	}
	return first, nil
}

// readSecret reads the first line of standard input.
func readSecret(s streams, what string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(s.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("the %s is empty", what)
	}
	return line, nil
}

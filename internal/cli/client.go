package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// client speaks to the monitor's API as the command line: to the running
// monitor through its socket, or else to the opened data folder.
type client struct {
	http  *http.Client
	close func() error
}

// call makes one request and decodes the answer into out, which may be nil.
func (c *client) call(ctx context.Context, method, path string, body, out any) error {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(data)
	}
	headers := http.Header{}
	if body != nil {
		headers.Set("Content-Type", "application/json")
	}
	status, data, err := c.ask(ctx, method, path, payload, headers)
	if err != nil {
		return err
	}
	if status >= 300 {
		return problemOf(status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// ask makes one request and returns what was answered.
func (c *client) ask(ctx context.Context, method, path string, body io.Reader, headers http.Header) (status int, data []byte, err error) {
	answer, err := c.open(ctx, method, path, body, headers)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	if data, err = io.ReadAll(answer.Body); err != nil {
		return 0, nil, fmt.Errorf("read the monitor's answer: %w", err)
	}
	return answer.StatusCode, data, nil
}

// open makes one request; the answer's body is the caller's to close.
func (c *client) open(ctx context.Context, method, path string, body io.Reader, headers http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://moonwatch/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, headers)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the monitor: %w", err)
	}
	return answer, nil
}

// problemOf turns an error of the API into one for the terminal.
func problemOf(status int, data []byte) error {
	var p struct {
		Title  string
		Detail string
		Errors []struct{ Location, Message string }
	}
	if json.Unmarshal(data, &p) != nil || p.Title == "" && p.Detail == "" {
		return fmt.Errorf("the monitor answered %d", status)
	}
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, strings.TrimPrefix(e.Location+": "+e.Message, ": "))
	}
	if len(lines) > 0 {
		return errors.New(strings.Join(lines, "; "))
	}
	if p.Detail != "" {
		return errors.New(p.Detail)
	}
	return errors.New(p.Title)
}

// userID finds a user by name.
func (c *client) userID(ctx context.Context, name string) (string, error) {
	var found struct {
		Items []struct{ ID, Username string }
	}
	if err := c.call(ctx, "GET", "/users?username="+url.QueryEscape(name), nil, &found); err != nil {
		return "", err
	}
	for _, u := range found.Items {
		if u.Username == name {
			return u.ID, nil
		}
	}
	return "", fmt.Errorf("no user is named %s", name)
}

package cli

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"moonwatch/luaapi/host"
)

// printTrace prints the calls of a run, when they were asked for.
func (c *pluginRunCommand) printTrace(s streams, trace *host.Trace) {
	if !c.Trace {
		return
	}
	w := s.out
	if c.JSON {
		w = s.err
	}
	calls, more := trace.Calls()
	for _, call := range calls {
		printCall(w, call)
	}
	if more > 0 {
		fmt.Fprintf(w, "%d further calls\n", more)
	}
}

// printCall prints one call: how long it took, what was asked, what came back.
func printCall(w io.Writer, call host.Call) {
	fmt.Fprintf(w, "%9.3f ms  %s %s\n", float64(call.Took)/float64(time.Millisecond), call.Kind, shownTarget(call))
	part := func(mark, text string) {
		for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
			fmt.Fprintf(w, "%14s%s %s\n", "", mark, strings.TrimRight(line, "\r"))
		}
	}
	if call.Request != "" {
		part(">", call.Request)
	}
	switch {
	case call.Error != "":
		part("!", fmt.Sprintf("%s (%s)", call.Error, call.ErrKind))
	case call.Answer != "":
		part("<", call.Answer)
	}
}

// shownTarget is where a call went. Of a URL that is a secret as a whole, such as
// a chat's webhook, the author of a plugin sees the host, and nothing beside it.
func shownTarget(call host.Call) string {
	asked, ok := call.Asked.(*host.HTTPRequest)
	method, hidden := strings.CutSuffix(call.Target, " ***")
	if !ok || !hidden || strings.Contains(method, " ") {
		return call.Target
	}
	u, err := url.Parse(asked.URL)
	if err != nil || u.Host == "" || len(strings.Trim(u.Path, "/"))+len(u.RawQuery) == 0 { // without them the host is all that is secret
		return call.Target
	}
	return method + " " + u.Scheme + "://" + u.Host + "/***"
}

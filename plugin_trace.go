package main

import (
	"fmt"
	"io"
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
	fmt.Fprintf(w, "%9.3f ms  %s %s\n", float64(call.Took)/float64(time.Millisecond), call.Kind, call.Target)
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

package module

import (
	"context"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// maxArguments bounds the arguments of a program.
const maxArguments = 1000

func openExec(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"run": execRun, "split": execSplit})
}

// execRun is run{ "/path", argument, …, stdin, timeout, env }.
func execRun(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "exec.run"}
	c := a.Outside()
	t := a.Table(1, "command")
	argv := a.TextArray(1, "command", t)
	if len(argv) == 0 || len(argv) > maxArguments {
		a.Fail(1, "command must be 1 to %d texts, the first a path", maxArguments)
	}
	o := a.OptionsOf(1, NamedPart(t), []string{"stdin", "timeout", "env"})
	req := host.ExecRequest{Path: argv[0], Args: argv[1:], Stdin: o.Text("stdin"), Env: readEnvironment(o)}
	var answer *host.ExecAnswer
	err := c.Wait(o.Seconds("timeout"), func(ctx context.Context) (err error) {
		host.NoteOutgoing(ctx, &req)
		answer, err = c.Host.Exec(ctx, &req)
		return err
	})
	if err != nil && answer != nil { // ended at the deadline
		n := vm.Failed(L, err)
		L.Push(printedTable(answer, 2))
		return n + 1
	}
	if err != nil {
		return vm.Failed(L, err)
	}
	out := printedTable(answer, 4)
	out.RawSetString("code", lua.LNumber(answer.Code))
	if answer.Signal != "" {
		out.RawSetString("signal", lua.LString(answer.Signal))
	}
	L.Push(out)
	return 1
}

// printedTable is a record of what a program printed, with room for n fields.
func printedTable(answer *host.ExecAnswer, n int) *lua.LTable {
	out := luaval.NewRecord(n)
	out.RawSetString("stdout", lua.LString(answer.Stdout))
	out.RawSetString("stderr", lua.LString(answer.Stderr))
	return out
}

// NamedPart is a table's entries without those that are numbered.
func NamedPart(t *lua.LTable) *lua.LTable {
	out := luaval.NewTable()
	t.ForEach(func(k, v lua.LValue) {
		if k.Type() != lua.LTNumber {
			out.RawSet(k, v)
		}
	})
	return out
}

func readEnvironment(o vm.Options) map[string]string {
	t := o.Table("env")
	if t == nil {
		return nil
	}
	env := make(map[string]string)
	t.ForEach(func(k, v lua.LValue) {
		name, ok1 := k.(lua.LString)
		value, ok2 := luaval.TextOf(v)
		if !ok1 || !ok2 {
			o.Fail(1, "env must be a table of names and texts, got %s", luaval.KeyText(k))
		}
		env[string(name)] = value
	})
	return env
}

// maxSplit is how long a command line is at most, in bytes: what a system takes.
const maxSplit = 128 << 10

// execSplit parts text into words as a POSIX shell does, without expanding anything.
func execSplit(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "exec.split"}
	text := a.Text(1, "text")
	if len(text) > maxSplit {
		a.Fail(1, "text is longer than %d bytes", maxSplit)
	}
	words, err := SplitWords(text)
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(TextTable(words))
	return 1
}

func SplitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case '\\':
			if i++; i == len(text) {
				return nil, vm.Invalid("the text ends in a backslash")
			}
			if text[i] != '\n' {
				word.WriteByte(text[i])
				inWord = true
			}
		case '\'', '"':
			end, err := quoted(&word, text, i)
			if err != nil {
				return nil, err
			}
			i, inWord = end, true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quoted adds what stands in quotes from start on, and returns the place of the
// quote that ends it. In double quotes a backslash escapes $ ` " \ and a line's end.
func quoted(word *strings.Builder, text string, start int) (int, error) {
	quote := text[start]
	for i := start + 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			return i, nil
		case c == '\\' && quote == '"' && i+1 < len(text) && strings.IndexByte("$`\"\\\n", text[i+1]) >= 0:
			i++
			if text[i] != '\n' {
				word.WriteByte(text[i])
			}
		default:
			word.WriteByte(c)
		}
	}
	return 0, vm.Invalid("a quote in the text is not closed")
}

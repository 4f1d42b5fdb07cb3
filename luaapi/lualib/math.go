package lualib

import (
	"math"
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

// Pi and Huge are the constants of the table math.
const Pi = lua.LNumber(math.Pi)

// Huge is positive infinity, math.huge.
func Huge() lua.LNumber { return lua.LNumber(math.Inf(1)) }

// Math returns the functions of the table math; pi and huge are Pi and Huge.
// random and randomseed use the run's own source.
func Math() map[string]lua.LGFunction {
	fns := map[string]lua.LGFunction{
		"atan2":      mathAtan2,
		"fmod":       mathFmod,
		"frexp":      mathFrexp,
		"ldexp":      mathLdexp,
		"log":        mathLog,
		"max":        mathMax,
		"min":        mathMin,
		"mod":        mathFmod,
		"modf":       mathModf,
		"pow":        mathPow,
		"random":     mathRandom,
		"randomseed": mathRandomSeed,
	}
	for name, fn := range map[string]func(float64) float64{
		"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan,
		"ceil": math.Ceil, "cos": math.Cos, "cosh": math.Cosh, "exp": math.Exp,
		"floor": math.Floor, "log10": math.Log10, "sin": math.Sin, "sinh": math.Sinh,
		"sqrt": math.Sqrt, "tan": math.Tan, "tanh": math.Tanh,
		"deg": func(x float64) float64 { return x * 180 / math.Pi },
		"rad": func(x float64) float64 { return x * math.Pi / 180 },
	} {
		fns[name] = ofOne(name, fn)
	}
	return fns
}

func ofOne(name string, fn func(float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(fn(checkNumber(L, 1, name))))
		return 1
	}
}

func mathAtan2(L *lua.LState) int {
	L.Push(lua.LNumber(math.Atan2(checkNumber(L, 1, "atan2"), checkNumber(L, 2, "atan2"))))
	return 1
}

func mathFmod(L *lua.LState) int {
	L.Push(lua.LNumber(math.Mod(checkNumber(L, 1, "fmod"), checkNumber(L, 2, "fmod"))))
	return 1
}

func mathFrexp(L *lua.LState) int {
	m, e := math.Frexp(checkNumber(L, 1, "frexp"))
	L.Push(lua.LNumber(m))
	L.Push(lua.LNumber(e))
	return 2
}

func mathLdexp(L *lua.LState) int {
	L.Push(lua.LNumber(math.Ldexp(checkNumber(L, 1, "ldexp"), checkInt(L, 2, "ldexp"))))
	return 1
}

func mathLog(L *lua.LState) int {
	x := checkNumber(L, 1, "log")
	if L.Get(2) == lua.LNil {
		L.Push(lua.LNumber(math.Log(x)))
		return 1
	}
	switch base := checkNumber(L, 2, "log"); base {
	case 10:
		x = math.Log10(x)
	case 2:
		x = math.Log2(x)
	default:
		x = math.Log(x) / math.Log(base)
	}
	L.Push(lua.LNumber(x))
	return 1
}

func mathMax(L *lua.LState) int {
	most := checkNumber(L, 1, "max")
	for i := 2; i <= L.GetTop(); i++ {
		if x := checkNumber(L, i, "max"); x > most {
			most = x
		}
	}
	L.Push(lua.LNumber(most))
	return 1
}

func mathMin(L *lua.LState) int {
	least := checkNumber(L, 1, "min")
	for i := 2; i <= L.GetTop(); i++ {
		if x := checkNumber(L, i, "min"); x < least {
			least = x
		}
	}
	L.Push(lua.LNumber(least))
	return 1
}

// mathModf gives the part before the point and the part after it; infinities
// have nothing after it.
func mathModf(L *lua.LState) int {
	x := checkNumber(L, 1, "modf")
	whole, rest := math.Modf(x)
	if math.IsInf(x, 0) {
		whole, rest = x, 0
	}
	L.Push(lua.LNumber(whole))
	L.Push(lua.LNumber(rest))
	return 2
}

func mathPow(L *lua.LState) int {
	L.Push(lua.LNumber(math.Pow(checkNumber(L, 1, "pow"), checkNumber(L, 2, "pow"))))
	return 1
}

func mathRandom(L *lua.LState) int {
	r := rand.Float64()
	if source := runOf(L).random(); source != nil {
		r = source.Float64()
	}
	from, to := 1.0, 0.0
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(r))
		return 1
	case 1:
		to = math.Floor(checkNumber(L, 1, "random"))
	case 2:
		from, to = math.Floor(checkNumber(L, 1, "random")), math.Floor(checkNumber(L, 2, "random"))
	default:
		L.RaiseError("wrong number of arguments")
	}
	if !(from <= to) {
		argError(L, L.GetTop(), "random", "interval is empty")
	}
	L.Push(lua.LNumber(math.Floor(r*(to-from+1)) + from))
	return 1
}

// mathRandomSeed makes the numbers of this run repeatable; other runs have
// sources of their own.
func mathRandomSeed(L *lua.LState) int {
	seed := math.Float64bits(checkNumber(L, 1, "randomseed"))
	if run := runOf(L); run != nil {
		run.Rand = rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))
	}
	return 0
}

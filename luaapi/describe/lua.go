package describe

// Globals returns what is there of Lua's own global functions.
func Globals() []Function {
	return functions(`
		assert(value?: any, message?: any, ...: any): any -- Raises message unless the value is true.
		error(message?: any, level?: integer): nil -- Raises an error.
		ipairs(table: table): any, any, any -- Walks an array.
		next(table: table, key?: any): any, any -- The entry after a key.
		pairs(table: any): any, any, any -- Walks a table.
		pcall(fn: any, ...: any): boolean, any -- Calls a function and catches its errors, but not the end of the run.
		print(...: any): nil -- Writes to the run's log.
		rawequal(a?: any, b?: any): boolean -- Equality without metatables.
		rawget(table: table, key?: any): any -- Reads without metatables.
		require(name: string): any -- A module, one that ships such as shipped.sql, or a file of the plugin's folder.
		select(n: any, ...: any): any -- The arguments from the n-th on, or how many there are for "#".
		setmetatable(table: table, metatable?: table): table -- Gives a table a metatable.
		tonumber(value?: any, base?: integer): number? -- A number, or nil.
		tostring(value?: any): string -- Text.
		type(value?: any): string -- The name of the value's type.
		unpack(table: table, first?: integer, last?: integer): any -- The items of an array, 8,000 at most.
		xpcall(fn: any, handler: function): boolean, any -- As pcall, with a function that is given the error.
	`)
}

// Library returns what is there of Lua's own tables.
func Library() []Module {
	return []Module{
		{Name: "string", Text: "Texts, which are bytes. Also as methods: `text:upper()`.", Functions: functions(`
			byte(text: string, first?: integer, last?: integer): integer -- The codes of bytes.
			char(...: integer): string -- Bytes by their codes.
			find(text: string, pattern: string, from?: integer, plain?: boolean): integer, integer -- Where a pattern matches first, and its captures.
			format(format: string, ...: any): string -- Values written into a text.
			gmatch(text: string, pattern: string): function -- Walks all matches.
			gsub(text: string, pattern: string, replacement: any, n?: integer): string, integer -- The text with matches replaced.
			len(text: string): integer -- Its bytes.
			lower(text: string): string -- In small letters.
			match(text: string, pattern: string, from?: integer): string? -- The captures of the first match.
			rep(text: string, n: integer): string -- Repeated.
			reverse(text: string): string -- From the end.
			sub(text: string, first: integer, last?: integer): string -- A part.
			upper(text: string): string -- In capitals.
		`)},
		{Name: "table", Text: "Arrays.", Functions: functions(`
			concat(table: table, separator?: string, first?: integer, last?: integer): string -- The items joined.
			insert(table: table, a?: any, b?: any): nil -- Adds an item at the end, or at a place.
			maxn(table: table): number -- The largest index.
			remove(table: table, at?: integer): any -- Removes an item, the last when no place is given.
			sort(table: table, less?: function): nil -- Sorts in place.
		`)},
		{Name: "math", Text: "Numbers.", Functions: functions(`
			abs(x: number): number -- The absolute value.
			acos(x: number): number -- Arc cosine.
			asin(x: number): number -- Arc sine.
			atan(x: number): number -- Arc tangent.
			atan2(y: number, x: number): number -- Arc tangent of y/x.
			ceil(x: number): number -- The next whole number.
			cos(x: number): number -- Cosine.
			cosh(x: number): number -- Hyperbolic cosine.
			deg(x: number): number -- Radians in degrees.
			exp(x: number): number -- e to the x.
			floor(x: number): number -- The whole number before.
			fmod(x: number, y: number): number -- The remainder.
			frexp(x: number): number, number -- Mantissa and exponent.
			ldexp(m: number, e: number): number -- From mantissa and exponent.
			log(x: number, base?: number): number -- Logarithm.
			log10(x: number): number -- Logarithm to base 10.
			max(x: number, ...: number): number -- The largest.
			min(x: number, ...: number): number -- The smallest.
			mod(x: number, y: number): number -- The remainder.
			modf(x: number): number, number -- The whole and the rest.
			pow(x: number, y: number): number -- x to the y.
			rad(x: number): number -- Degrees in radians.
			random(low?: integer, high?: integer): number -- A random number.
			randomseed(seed?: number): nil -- Seeds the random numbers of this run.
			sin(x: number): number -- Sine.
			sinh(x: number): number -- Hyperbolic sine.
			sqrt(x: number): number -- Square root.
			tan(x: number): number -- Tangent.
			tanh(x: number): number -- Hyperbolic tangent.
		`), Fields: fields(`
			pi: number -- 3.14159…
			huge: number -- Infinity.
		`)},
		{Name: "os", Text: "Clocks in UTC, and the environment.", Functions: functions(`
			clock(): number -- Seconds that the run has used.
			date(format?: string, t?: number): any -- An instant as text, or as a table for "*t".
			getenv(name: string): string? -- A variable that plugin_variables lists; nil for others, and while loading.
			time(table?: table): number? -- This instant, or that of a table.
		`)},
	}
}

// Absent says, of names that Lua has elsewhere and plugins do not, what to use.
func Absent() map[string]string {
	const none = "a plugin cannot reach files, code or the process"
	absent := map[string]string{"_VERSION": "the language is Lua 5.1 with goto", "coroutine": "a plugin has no coroutines",
		"utf8": `it is a module: local utf8 = require "utf8"`, "rawset": "it is not offered", "rawlen": "it is not offered",
		"getmetatable": "it is not offered", "getfenv": "it is not offered", "setfenv": "it is not offered"}
	for _, name := range []string{"io", "debug", "package", "load", "loadstring", "loadfile", "dofile", "module", "collectgarbage", "newproxy", "_G", "_ENV", "channel"} {
		absent[name] = none
	}
	return absent
}

//go:build !linux

package luaapi

import "time"

// threadTime is not known here.
func threadTime() time.Duration { return 0 }

package cli

import (
	"testing"

	"moonwatch/internal/programtest"
)

func TestMain(m *testing.M) {
	programtest.RunTests(m, func(args []string) int { return Main("", args) })
}

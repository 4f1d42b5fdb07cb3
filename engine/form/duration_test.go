package form

import (
	"math"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0s", 0, true},
		{"500ms", 500 * time.Millisecond, true},
		{"30s", 30 * time.Second, true},
		{"1h30m", 90 * time.Minute, true},
		{" 1h 30m ", 90 * time.Minute, true},
		{"1.5h", 90 * time.Minute, true},
		{".5s", 500 * time.Millisecond, true},
		{"90m", 90 * time.Minute, true},
		{"2w1d", 15 * 24 * time.Hour, true},
		{"0.0004ms", 0, true},
		{"0.0005ms", time.Microsecond, true},
		{"", 0, false}, {"  ", 0, false}, {"30", 0, false}, {"-1s", 0, false}, {"1S", 0, false},
		{"1.2.3s", 0, false}, {"s", 0, false}, {"1 h", 0, false}, {"1y", 0, false}, {".s", 0, false},
		{"1e3s", 0, false}, {"300000w", 0, false}, {"99999999999999999999999999w", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseDuration(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v, ok %v", tt.text, got, err, tt.want, tt.ok)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want string
	}{
		{0, "0s"},
		{90 * time.Minute, "1h30m"},
		{8 * 24 * time.Hour, "8d"}, {14 * 24 * time.Hour, "2w"},
		{1500 * time.Millisecond, "1s500ms"},
		{500 * time.Microsecond, "0.5ms"},
		{-time.Minute, "-1m"},
		{math.MinInt64, "-106751d23h47m16s854.775808ms"},
	}
	for _, tt := range tests {
		if got := FormatDuration(tt.d); got != tt.want {
			t.Errorf("FormatDuration(%d) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, n := range []int64{0, 1, 999, 1000, 1001, 60_000_000, 3_600_000_001, math.MaxInt64 / 2 / 1000} {
		f.Add(n, "1h30m")
	}
	f.Fuzz(func(t *testing.T, micros int64, text string) {
		d := time.Duration(min(max(micros, -micros, 0), math.MaxInt64/2/1000)) * time.Microsecond
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Errorf("%d becomes %q and back %d, %v", d, FormatDuration(d), got, err)
		}
		read, err := ParseDuration(text)
		if err != nil {
			return
		}
		again, err := ParseDuration(FormatDuration(read))
		if err != nil || again != read || read < 0 {
			t.Errorf("%q is %d, written %q, read as %d, %v", text, read, FormatDuration(read), again, err)
		}
	})
}

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// median of values, which are at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// worst of values, which are at least one.
func worst(values []float64, more bool) float64 {
	if more {
		return slices.Min(values)
	}
	return slices.Max(values)
}

// percentile of a sorted list; 0 of an empty one.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// parseRates reads 1000,4000; "" is none.
func parseRates(text string) ([]int, error) {
	var rates []int
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		rate, err := strconv.Atoi(word)
		if err != nil || rate < 1 {
			return nil, fmt.Errorf("-rates: write whole numbers such as 1000,4000, got %q", word)
		}
		rates = append(rates, rate)
	}
	return rates, nil
}

// number is a figure with about three digits that count.
func number(v float64) string {
	switch a := max(v, -v); {
	case a >= 100 || v == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

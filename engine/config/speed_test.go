package config

import (
	"fmt"
	"reflect"
	"testing"
)

// large is a document of n checks.
func large(n int) []byte {
	doc := &Document{Version: 1, Checks: []Check{}}
	for i := range n {
		c := begun(reflect.TypeFor[Check]()).Interface().(*Check)
		c.Name, c.Plugin = fmt.Sprintf("check %d of many", i), "http"
		c.Config = Values{"endpoint": fmt.Sprintf("https://host%d.example.com/health?a=b", i), "timeout": 10.0, "verify": true, "text_match": "", "headers": nil}
		doc.Checks = append(doc.Checks, *c)
	}
	return Encode(doc)
}

func BenchmarkDecode(b *testing.B) {
	data := large(10_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, problems := Decode(data); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	data := large(10_000)
	doc, _ := Decode(data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Encode(doc)
	}
}

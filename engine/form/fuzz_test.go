package form

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// FuzzClean holds, for whatever is sent: nothing panics, no complaint repeats a
// long value, and what was cleaned can be read, shown, stored and cleaned again.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		`{"f_char":"x","f_integer":"3.0","f_float":1e10,"f_boolean":"on","f_choice":"a","f_multiplechoice":["a","b"]}`,
		`{"f_url":"http://a:1","f_email":"a@b.c","f_slug":"a","f_regex":"a","f_pattern":"a+","f_genericipaddress":"::1","f_host":"a","f_port":1}`,
		`{"f_duration":"1h30m","f_datetime":"2026-01-01T00:00","f_json":{"$sealed":"x"},"f_keyvalue":{"a":"b"},"f_list":[{"name":"a","password":"b"},{"name":"c"}]}`,
		`{"s_char":"secret","s_keyvalue":"A: b","s_json":[1],"f_json":"\"text\"","f_duration":0.0000001,"f_datetime":-62135596800}`,
		`{"s_char":{"set":true},"f_list":{"set":true},"f_keyvalue":"a:\u2028b\n:","f_url":"http://[::1%25a]:/"}`,
	} {
		f.Add(seed)
	}
	form := everything()
	f.Fuzz(func(t *testing.T, text string) {
		var raw map[string]any
		if json.Unmarshal([]byte(text), &raw) != nil {
			return
		}
		got, errs := form.Clean(context.Background(), raw, Options{Seal: tagged, Callbacks: &fake{}})
		if len(errs) > 0 {
			for _, v := range raw {
				if s, ok := v.(string); ok && len(s) > 20 && strings.Contains(errs.Error(), s) {
					t.Fatalf("a complaint repeats the value %q: %v", s, errs)
				}
			}
			return
		}
		seen, err := form.Seen(got, untag)
		if err != nil || len(seen) != len(form.Fields) {
			t.Fatalf("Seen: %v, %v", seen, err)
		}
		if back := roundTrip(t, got); !reflect.DeepEqual(back, got) {
			t.Fatalf("stored %#v, read %#v", got, back)
		}
		if errs := form.Check(got); len(errs) > 0 {
			t.Fatalf("as stored it does not pass: %v", errs)
		}
		again, errs := form.Clean(context.Background(), form.Public(got), Options{Seal: tagged, Stored: got})
		if len(errs) > 0 || !reflect.DeepEqual(again, got) {
			t.Fatalf("shown and sent back: %#v, %v; want %#v", again, errs, got)
		}
	})
}

// FuzzFromWeb holds that any posted form can be decoded and cleaned.
func FuzzFromWeb(f *testing.F) {
	f.Add("c.f_char=a&c.f_list.0.name=b&c.f_list.7=1&c.s_char.clear=on&c.f_boolean=on")
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		everything().Clean(context.Background(), everything().FromWeb(v, "c"), Options{Seal: tagged, Prefix: "c"})
	})
}

// FuzzField is FuzzClean for one field at a time, sent as text and as JSON.
func FuzzField(f *testing.F) {
	for i, seed := range []string{"x", "3.0", "1e3", "on", "a", `["a"]`, "http://a", "a@b.c", "a", "a", "a+", "::1", "[::1]", "1", "1h30m", "2026-01-01T00:00:00.5Z", `{"a":[1]}`, "A: b", `[{"name":"x","password":{"set":true}}]`, "s", "A:b", `"s"`} {
		f.Add(uint8(i), seed)
	}
	all := everything()
	f.Fuzz(func(t *testing.T, n uint8, text string) {
		one := all.Fields[int(n)%len(all.Fields)]
		form := Form{Fields: []Field{one}}
		raws := []any{text}
		var decoded any
		if json.Unmarshal([]byte(text), &decoded) == nil {
			raws = append(raws, decoded)
		}
		for _, raw := range raws {
			got, errs := form.Clean(context.Background(), map[string]any{one.Name: raw}, Options{Seal: tagged, Callbacks: &fake{}})
			if len(errs) > 0 {
				if len(text) > 30 && strings.Contains(errs.Error(), text) {
					t.Fatalf("a complaint repeats the value: %v", errs)
				}
				continue
			}
			if _, err := form.Seen(got, untag); err != nil {
				t.Fatalf("Seen: %v", err)
			}
			if errs := form.Check(got); len(errs) > 0 {
				t.Fatalf("%#v does not pass as stored: %v", got, errs)
			}
			again, errs := form.Clean(context.Background(), form.Public(got), Options{Seal: tagged, Stored: got})
			if len(errs) > 0 || !reflect.DeepEqual(again, got) {
				t.Fatalf("shown and sent back: %#v, %v; want %#v", again, errs, got)
			}
		}
	})
}

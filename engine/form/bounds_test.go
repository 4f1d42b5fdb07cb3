package form

import (
	"context"
	"strconv"
	"testing"
	"time"
)

// A client chooses how many keys and rows it sends: cleaning them must not take
// long. The bound is a hundred times what it takes.
func TestCleaningIsNotSlow(t *testing.T) {
	form := Form{Fields: []Field{with(field(List, "rows"), func(f *Field) {
		f.Fields = []Field{field(Char, "name"), with(field(Port, "port"), func(f *Field) { f.Initial = 80 }), secret(field(Char, "password"))}
	})}}
	stored, moved := make([]any, maxRows), make([]any, maxRows)
	for i := range stored {
		name := strconv.Itoa(i)
		stored[i] = map[string]any{"name": name, "password": Sealed(name)}
		moved[maxRows-1-i] = map[string]any{"name": name}
	}
	begin := time.Now()
	got, errs := form.Clean(context.Background(), map[string]any{"rows": moved}, Options{Stored: Values{"rows": stored}})
	if len(errs) > 0 || got["rows"].([]any)[0].(map[string]any)["password"] != Sealed("999") {
		t.Errorf("moved rows: %v", errs)
	}
	keys := map[string]any{}
	for i := range 50_000 {
		keys["a_key_that_is_rather_long_and_like_no_other_"+strconv.Itoa(i)] = nil
	}
	form.Clean(context.Background(), keys, Options{})
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

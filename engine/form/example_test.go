package form_test

import (
	"context"
	"fmt"

	"moonwatch/engine/form"
)

// What somebody wrote is turned into values, or into all that is wrong with it.
func ExampleForm_Clean() {
	most := 9.0
	f := form.Form{Fields: []form.Field{
		{Type: form.URL, Name: "endpoint", Required: true},
		{Type: form.Integer, Name: "tries", Initial: 3, MaxValue: &most},
		{Type: form.DurationType, Name: "patience", Initial: "1m30s"},
	}}
	values, _ := f.Clean(context.Background(), map[string]any{"endpoint": "https://example.org/", "tries": "5"}, form.Options{})
	fmt.Println(values["endpoint"], values["tries"], values["patience"])

	_, problems := f.Clean(context.Background(), map[string]any{"tries": 10, "trys": 1}, form.Options{Prefix: "config"})
	for _, p := range problems {
		fmt.Println(p.Location, p.Code)
	}
	// Output:
	// https://example.org/ 5 1m30s
	// config.endpoint required
	// config.tries max
	// config.trys unknown
}

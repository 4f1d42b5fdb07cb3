package frame

import (
	"strings"
	"testing"
)

func TestIconsAreInTheSprite(t *testing.T) {
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	sprite := string(a.files["icons.svg"])
	for name, symbol := range iconNames() {
		if !strings.Contains(sprite, `<symbol id="`+symbol+`"`) {
			t.Errorf("%s is drawn as %s, which is not in the sprite", name, symbol)
		}
	}
	for class, want := range map[string]string{"fa fa-skull": "skull", "glyphicon glyphicon-transfer": "transfer", "fa fa-nonesuch": defaultIcon, "": defaultIcon, `"><script>`: defaultIcon, "FA FA-GLOBE": "globe"} {
		if got := iconOf(class); got != want {
			t.Errorf("iconOf(%q) = %q, want %q", class, got, want)
		}
	}
	for _, s := range []string{"PASSING", "WARNING", "ERROR", "CRITICAL", "FAILING", "UNKNOWN", "PENDING", "INACTIVE", "sent", "dead", "open", "nonesuch"} {
		if !strings.Contains(sprite, `id="`+shapeOf(s).symbol+`"`) {
			t.Errorf("the shape of %s is not in the sprite", s)
		}
	}
}

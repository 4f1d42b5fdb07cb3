package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"moonwatch/server/api"
)

// TestPagesAreGuarded holds that nothing but plugins' views lies where browsers
// may write from other sites, and that all else refuses them.
func TestPagesAreGuarded(t *testing.T) {
	h := newHouse(t)
	var paths []string
	err := h.server.paths(false).Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		if path, err := r.GetPathTemplate(); err == nil {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d paths, %v", len(paths), err)
	}
	for _, path := range paths {
		if strings.HasPrefix(path, "/plugins/{slug}/") {
			if path != api.ViewPath {
				t.Errorf("%s is open to other sites", path)
			}
			continue
		}
		path = strings.NewReplacer("{id}", "x", "{slug}", "x", "{n}", "1", "{token}", "x", "{what}", "start").Replace(path)
		r := h.do("", http.MethodPost, path, "{}", "Sec-Fetch-Site", "cross-site")
		if r.status != http.StatusForbidden {
			t.Errorf("POST %s from another site's page answers %d", path, r.status)
		}
	}
	for _, path := range []string{"/plugins/x/../../settings", "/plugins/x/%2e%2e/%2e%2e/settings", "/plugins/x/..%2f..%2fsettings"} {
		if r := h.do("", http.MethodPost, path, "", "Sec-Fetch-Site", "cross-site"); r.status == http.StatusSeeOther || r.status == http.StatusOK {
			t.Errorf("POST %s answers %d", path, r.status)
		}
	}
}

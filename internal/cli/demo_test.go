package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// TestDemo holds that the demo starts soon, that its pages show a city with a past,
// that the outage unfolds, and that it leaves folders alone which are no demo's.
func TestDemo(t *testing.T) {
	t.Parallel()
	m := programtest.New(t)
	began := time.Now()
	m.Begin(m.Unstarted("demo", "--listen", m.Address, "--data", m.Data, "--password", "look at the demo", "--outage-after=-30s"))
	programtest.Until(t, "the demo is ready", 60*time.Second, func() bool {
		status, _, err := m.Get("/readyz")
		return err == nil && status == http.StatusOK
	})
	t.Logf("the demo was ready after %v", time.Since(began))

	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	base := "http://" + m.Address
	get := func(path string) string {
		t.Helper()
		r, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var body strings.Builder
		if _, err := io.Copy(&body, r.Body); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s (%v)", path, r.Status, err)
		}
		return body.String()
	}
	get("/login")
	in, err := client.PostForm(base+"/login", url.Values{"username": {"demo"}, "password": {"look at the demo"}})
	if err != nil {
		t.Fatal(err)
	}
	in.Body.Close()
	ids := func(kind string) map[string]string {
		var list struct {
			Items []struct{ ID, Name string }
		}
		if err := json.Unmarshal([]byte(get("/api/v1/"+kind+"?limit=500")), &list); err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, one := range list.Items {
			all[one.Name] = one.ID
		}
		return all
	}
	services, checks := ids("services"), ids("checks")
	if len(services) < 60 || len(checks) < 170 {
		t.Errorf("%d services and %d checks", len(services), len(checks))
	}
	payments := checks["Payments answers"]
	for _, page := range []struct{ path, shows string }{
		{"/", "Backups"},
		{"/services/" + services["Payments"], "Payments answers"},
		{"/checks/" + payments + "?range=90d", "first_byte"},
		{"/incidents", "Main database"},
		{"/report", "Ambulance dispatch"},
		{"/deliveries", "mattermost"},

		{"/rotas", "Platform on call"},
		{"/audit", "aisha"},
		{"/status", "Displays around the harbour are dark"},
	} {
		if !strings.Contains(get(page.path), page.shows) {
			t.Errorf("%s does not show %s", page.path, page.shows)
		}
	}
	from := time.Now().UTC().AddDate(0, 0, -88).Format(time.RFC3339)
	body := get("/api/v1/checks/" + payments + "/summary?step=24h&from=" + from)
	var summary struct{ Items []struct{ Count int } }
	if err := json.Unmarshal([]byte(body), &summary); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	if len(summary.Items) < 88 {
		t.Errorf("the check has %d days of history", len(summary.Items))
	}
	programtest.Until(t, "the outage begins", 40*time.Second, func() bool {
		return strings.Contains(get("/api/v1/incidents?open=true"), "Main database")
	})
	if code := m.End(syscall.SIGTERM); code != 0 {
		t.Errorf("the demo ended with %d", code)
	}

	other := filepath.Join(m.Dir, "other")
	if err := os.MkdirAll(filepath.Join(other, "precious"), 0o755); err != nil {
		t.Fatal(err)
	}
	if p := m.Command("", "demo", "--listen", m.Address, "--data", other); p.Code != 1 || !strings.Contains(p.Err, "no demo") {
		t.Errorf("a folder that is no demo's: exit %d: %s", p.Code, p.Err)
	}
}

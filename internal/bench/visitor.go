package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"time"

	"moonwatch/internal/programtest"
)

// visitor is somebody who looks at pages and uses the API, one request at a time.
type visitor struct {
	b      *bench
	m      *programtest.Program
	client *http.Client
}

// visitor logs the admin in.
func (b *bench) visitor(m *programtest.Program) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	v := &visitor{b, m, &http.Client{Jar: jar, Timeout: 10 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	v.ask("POST", "/api/v1/session", "application/json", []byte(`{"username":"admin","password":"correct horse battery staple"}`))
	return v
}

// ask makes a request that succeeds, and returns its body.
func (v *visitor) ask(method, path, kind string, body []byte) []byte {
	data, status, err := v.try(method, path, kind, body)
	if err != nil || status >= 300 {
		v.b.Fatalf("%s %s: %d %v %s", method, path, status, err, programtest.Tail(string(data), 600))
	}
	return data
}

func (v *visitor) try(method, path, kind string, body []byte) (data []byte, status int, err error) {
	r, err := http.NewRequest(method, "http://"+v.m.Address+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	data, err = io.ReadAll(answer.Body)
	return data, answer.StatusCode, err
}

// edit changes a check, and returns how long that took.
func (v *visitor) edit(id string, n int) time.Duration {
	body, err := json.Marshal(programtest.Object{"runbook_link": fmt.Sprint("https://example.org/", n)})
	if err != nil {
		v.b.Fatal(err)
	}
	begun := time.Now()
	v.ask("PATCH", "/api/v1/checks/"+id, "application/merge-patch+json", body)
	return time.Since(begun)
}

// get reads an address to its end, and returns how long that took.
func (v *visitor) get(path string) time.Duration {
	begun := time.Now()
	v.ask("GET", path, "", nil)
	return time.Since(begun)
}

// views is how often each address is read.
const views = 20

// pages records how long addresses take, each by its name.
func (v *visitor) pages(label string, addresses [][2]string) {
	for _, a := range addresses {
		var took []time.Duration
		for range views {
			took = append(took, v.get(a[1]))
		}
		v.b.spread(label+a[0], took)
	}
}

// someIDs are the ids of the first objects of a list of the API.
func (v *visitor) someIDs(list string, n int) []string {
	var page struct{ Items []programtest.Made }
	if err := json.Unmarshal(v.ask("GET", fmt.Sprintf("/api/v1/%s?limit=%d", list, n), "", nil), &page); err != nil {
		v.b.Fatal(err)
	}
	var ids []string
	for _, c := range page.Items {
		ids = append(ids, c.ID)
	}
	if len(ids) < n {
		v.b.Fatalf("there are %d %s, want %d", len(ids), list, n)
	}
	return ids
}

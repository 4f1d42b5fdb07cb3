package frame

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// A value of a form may be stored; it keeps no more of the form alive than itself.
func TestFormValuesKeepNothingOfTheBody(t *testing.T) {
	const size, posts = 1 << 20, 8
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var kept []string
	before := live()
	for range posts {
		r := httptest.NewRequest(http.MethodPost, "/?at=5", strings.NewReader("name=short&many=a&many=b&padding="+strings.Repeat("x", size)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q := &Request{Request: r, Writer: httptest.NewRecorder()}
		err := withForm(4<<20, func(q *Request) error {
			for name, list := range q.PostForm {
				if name != "padding" {
					kept = append(append(kept, name), list...)
				}
			}
			kept = append(kept, q.Form.Get("name"), q.FormValue("at"))
			return nil
		})(q)
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(strings.Join(kept, " ")+" ", "short "); got != 2*posts {
		t.Errorf("short is there %d times: %q", got, kept)
	}
	if held := int64(live()) - int64(before); held > size {
		t.Errorf("%d forms keep %d KB alive", posts, held>>10)
	}
	runtime.KeepAlive(kept)
}

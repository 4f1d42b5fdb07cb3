package module

import (
	"cmp"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"sync"

	"golang.org/x/net/publicsuffix"
)

const (
	maxCookie  = 4096    // bytes of a cookie's name and value, as in browsers; longer ones are not kept
	maxCookies = 1 << 20 // bytes of all cookies of a jar; what comes beyond is not kept
	// cookieSize is what a cookie takes beside its own bytes.
	cookieSize = 300
)

// jar keeps the cookies of one run, and knows how much they take. A server can
// send thousands of them.
type jar struct {
	*cookiejar.Jar

	mu   sync.Mutex // guards what follows
	size map[string]int
	sum  int
}

func newJar() *jar {
	kept, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // cannot fail
	return &jar{Jar: kept, size: map[string]int{}}
}

// SetCookies keeps the cookies that there is room for.
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var kept []*http.Cookie
	for _, c := range cookies {
		if len(c.Name)+len(c.Value) > maxCookie {
			continue
		}
		key := u.Host + ";" + c.Domain + ";" + cmp.Or(c.Path, path.Dir(u.Path)) + ";" + c.Name
		size := len(key) + len(c.Name) + len(c.Value) + cookieSize
		if c.MaxAge < 0 {
			size = 0
		}
		if j.sum+size-j.size[key] > maxCookies {
			continue
		}
		j.sum += size - j.size[key]
		if j.size[key] = size; size == 0 {
			delete(j.size, key)
		}
		kept = append(kept, c)
	}
	j.Jar.SetCookies(u, kept)
}

// total is how many bytes the cookies take, about.
func (j *jar) total() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return uint64(j.sum)
}

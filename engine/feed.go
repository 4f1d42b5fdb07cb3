package engine

// Address is the address of the monitor as links have it, without a trailing
// slash: the public URL, or the one it reaches itself by; "" when neither is known.
func (e *Engine) Address() string {
	site := e.Settings()
	return e.base(&site)
}

// FeedURL returns the address of the iCal feed of a rota or user, "" when there
// is none. Whoever knows it can read the feed.
func (e *Engine) FeedURL(kind Kind, id string) (string, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	token := ""
	switch kind {
	case KindRota:
		r := e.tables.rotas[id]
		if r == nil {
			return "", missing(kind)
		}
		token = r.FeedToken
	default:
		u := e.tables.users[id]
		if u == nil {
			return "", missing(KindUser)
		}
		token = u.FeedToken
	}
	if token == "" {
		return "", nil
	}
	return e.base(e.tables.site()) + "/feeds/" + token + ".ics", nil
}

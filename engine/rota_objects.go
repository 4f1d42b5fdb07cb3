package engine

// hasFeed reports whether the rota's shifts come from a feed.
func (r *Rota) hasFeed() bool { return r.ICalURL != "" || r.ICalSealed != "" }

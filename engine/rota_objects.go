package engine

// HasFeed reports whether the rota's shifts come from a feed.
func (r *Rota) HasFeed() bool { return r.ICalURL != "" || r.ICalSealed != "" }

package importer

import (
	"moonwatch/engine"
	"moonwatch/engine/config"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

func (im *importer) importRotas() {
	for i := range im.doc.Rotas {
		d := &im.doc.Rotas[i]
		if d.Name == "" {
			continue
		}
		place := config.Named("rotas", d.Name)
		next := &engine.Rota{
			Meta:      engine.Meta{ID: im.ids[engine.KindRota][d.Name]},
			Name:      d.Name,
			TimeZone:  d.TimeZone,
			Overrides: []engine.RotaOverride{},
		}
		var p engine.Problems
		im.feed(&p, place, next, im.now.Rotas[next.ID], d)
		next.FallbackUser = im.optional(&p, "fallback_user", engine.KindUser, d.FallbackUser)
		if r := d.Rotation; r != nil {
			next.Rotation = &engine.RotaRotation{Every: r.Every, Starts: r.Starts}
			for j, name := range r.Members { // one may have several turns
				if id := im.ref(&p, engine.At("rotation.members", j), engine.KindUser, name); id != "" {
					next.Rotation.Members = append(next.Rotation.Members, id)
				}
			}
		}
		for j, o := range d.Overrides {
			next.Overrides = append(next.Overrides, engine.RotaOverride{
				User:  im.ref(&p, engine.At("overrides", j)+".user", engine.KindUser, o.User),
				Start: o.Start,
				End:   o.End,
			})
		}
		if d.Dealt != nil {
			next.Dealt = &rota.Dealt{Until: d.Dealt.Until.UTC(), First: d.Dealt.First, Shifts: []engine.RotaOverride{}}
			if len(d.Dealt.Shifts) > 1000 {
				p.Add("dealt.shifts", "max", "at most 1,000 shifts")
				d.Dealt.Shifts = nil
			}
			for j, s := range d.Dealt.Shifts {
				next.Dealt.Shifts = append(next.Dealt.Shifts, engine.RotaOverride{
					User:  im.ref(&p, engine.At("dealt.shifts", j)+".user", engine.KindUser, s.User),
					Start: s.Start,
					End:   s.End,
				})
			}
		} else {
			next.Dealt = edit.Redealt(next, im.now.Rotas[next.ID], im.e.Now())
		}
		edit.ValidateRota(next, &p, im.now.Rotas[next.ID], func(id string) bool { return im.after.names[engine.KindUser][id] != "" })
		im.noteProblems(place, p.List)
		if err := im.e.FeedAddresses.Seal(next, im.now.Rotas[next.ID]); err != nil { // plans are stored
			im.noteProblems(place, []form.Error{{Location: "ical_url", Code: "invalid", Message: "the address cannot be encrypted"}})
		}
		base := engine.NewRota()
		consider(im, engine.KindRota, d.Name, next, im.now.Rotas[next.ID], &base, func(x *exporter, r *engine.Rota) any { return x.rota(r) })
	}
}

// feed finds the address of a rota's feed. Left out, it stays as it is stored,
// unless a rotation takes its place.
func (im *importer) feed(p *engine.Problems, place string, r, old *engine.Rota, d *config.Rota) {
	address := d.ICalURL
	stays := address.Secret != nil || !address.Given && d.Rotation == nil
	switch {
	case address.Secret != nil && address.Secret.Encrypted != "":
		r.ICalURL, _ = im.openSecret(p, state.IcalField, place+"."+state.IcalField, *address.Secret)
	case stays && old != nil && old.HasFeed():
		r.ICalURL, r.ICalSealed = old.ICalURL, old.ICalSealed
	case address.Secret == nil:
		r.ICalURL = address.Text
	default:
		p.Add(state.IcalField, missingSecret, "this secret is not in the document, and none is stored here: enter it")
	}
}

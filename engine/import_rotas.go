package engine

import (
	"moonwatch/engine/config"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
)

func (im *importer) importRotas() {
	for i := range im.doc.Rotas {
		d := &im.doc.Rotas[i]
		if d.Name == "" {
			continue
		}
		place := config.Named("rotas", d.Name)
		next := &Rota{Meta: Meta{ID: im.ids[KindRota][d.Name]}, Name: d.Name, TimeZone: d.TimeZone, Overrides: []RotaOverride{}}
		var p problems
		im.feed(&p, place, next, im.now.rotas[next.ID], d)
		next.FallbackUser = im.optional(&p, "fallback_user", KindUser, d.FallbackUser)
		if r := d.Rotation; r != nil {
			next.Rotation = &RotaRotation{Every: r.Every, Starts: r.Starts}
			for j, name := range r.Members { // one may have several turns
				if id := im.ref(&p, at("rotation.members", j), KindUser, name); id != "" {
					next.Rotation.Members = append(next.Rotation.Members, id)
				}
			}
		}
		for j, o := range d.Overrides {
			next.Overrides = append(next.Overrides, RotaOverride{User: im.ref(&p, at("overrides", j)+".user", KindUser, o.User), Start: o.Start, End: o.End})
		}
		if d.Dealt != nil {
			next.Dealt = &rota.Dealt{Until: d.Dealt.Until.UTC(), First: d.Dealt.First, Shifts: []RotaOverride{}}
			if len(d.Dealt.Shifts) > 1000 {
				p.add("dealt.shifts", "max", "at most 1,000 shifts")
				d.Dealt.Shifts = nil
			}
			for j, s := range d.Dealt.Shifts {
				next.Dealt.Shifts = append(next.Dealt.Shifts, RotaOverride{User: im.ref(&p, at("dealt.shifts", j)+".user", KindUser, s.User), Start: s.Start, End: s.End})
			}
		} else {
			next.Dealt = next.redealt(im.now.rotas[next.ID], im.e.now())
		}
		next.validateRota(&p, im.now.rotas[next.ID], func(id string) bool { return im.after.names[KindUser][id] != "" })
		im.settle(place, p.list)
		if err := im.e.sealRota(next, im.now.rotas[next.ID]); err != nil { // plans are stored
			im.settle(place, []form.Error{{Location: "ical_url", Code: "invalid", Message: "the address cannot be encrypted"}})
		}
		base := NewRota()
		consider(im, KindRota, d.Name, next, im.now.rotas[next.ID], &base, func(x *exporter, r *Rota) any { return x.rota(r) })
	}
}

// feed finds the address of a rota's feed. Left out, it stays as it is stored,
// unless a rotation takes its place.
func (im *importer) feed(p *problems, place string, r, old *Rota, d *config.Rota) {
	address := d.ICalURL
	stays := address.Secret != nil || !address.Given && d.Rotation == nil
	switch {
	case address.Secret != nil && address.Secret.Encrypted != "":
		r.ICalURL, _ = im.openSecret(p, icalField, place+"."+icalField, *address.Secret)
	case stays && old != nil && old.hasFeed():
		r.ICalURL, r.ICalSealed = old.ICalURL, old.ICalSealed
	case address.Secret == nil:
		r.ICalURL = address.Text
	default:
		p.add(icalField, missingSecret, "this secret is not in the document, and none is stored here: enter it")
	}
}

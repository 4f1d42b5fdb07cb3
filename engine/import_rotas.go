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
		next := &Rota{Meta: Meta{ID: im.ids[KindRota][d.Name]}, Name: d.Name, TimeZone: d.TimeZone, ICalURL: d.ICalURL, Overrides: []RotaOverride{}}
		var p problems
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
		next.validate(&p, im.now.rotas[next.ID], func(id string) bool { return im.after.names[KindUser][id] != "" })
		im.settle(place, p.list)
		if err := im.e.sealRota(next, im.now.rotas[next.ID]); err != nil { // plans are stored
			im.settle(place, []form.Error{{Location: "ical_url", Code: "invalid", Message: "the address cannot be encrypted"}})
		}
		base := NewRota()
		consider(im, KindRota, d.Name, next, im.now.rotas[next.ID], &base, func(x *exporter, r *Rota) any { return x.rota(r) })
	}
}

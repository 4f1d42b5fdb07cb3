package engine

import (
	"moonwatch/engine/config"
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
			next.Rotation = &RotaRotation{Members: im.refs(&p, "rotation.members", KindUser, r.Members), Every: r.Every, Starts: r.Starts}
		}
		for j, o := range d.Overrides {
			next.Overrides = append(next.Overrides, RotaOverride{User: im.ref(&p, at("overrides", j)+".user", KindUser, o.User), Start: o.Start, End: o.End})
		}
		next.validate(&p, func(id string) bool { return im.after.names[KindUser][id] != "" })
		im.settle(place, p.list)
		base := NewRota()
		consider(im, KindRota, d.Name, next, im.now.rotas[next.ID], &base, func(x *exporter, r *Rota) any { return x.rota(r) })
	}
}

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
		p.text("name", next.Name, true, nameMost)
		im.settle(place, p.list)
		consider(im, KindRota, d.Name, next, im.now.rotas[next.ID], &Rota{TimeZone: "UTC"}, func(x *exporter, r *Rota) any { return x.rota(r) })
	}
}

// applyRota puts a rota of an import over whatever is there.
func (x *tx) applyRota(r *Rota) error {
	if err := x.unique(KindRota, r.ID, r.Name, "name"); err != nil {
		return err
	}
	if old := x.rotas.get(r.ID); old != nil {
		x.stamp(KindRota, &r.Meta, &old.Meta)
		x.audit("update", KindRota, r.ID, r.Name, old, r)
	} else {
		x.stamp(KindRota, &r.Meta, nil)
		x.audit("create", KindRota, r.ID, r.Name, nil, r)
	}
	x.rotas.put(r.ID, r)
	return nil
}

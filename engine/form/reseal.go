package form

// SealPlain gives stored values in which every secret is sealed, also those
// that were stored before their field became one; changed says whether there
// were any. stored is left as it is. Fields that are not in the form stay.
func (f Form) SealPlain(stored Values, seal Sealing) (values Values, changed bool, err error) {
	out, _ := clone(map[string]any(stored)).(map[string]any)
	c := &cleaner{}
	c.seal(f.Fields, out, "", func(path string, plain []byte) (Sealed, error) {
		changed = true
		return seal(path, plain)
	})
	if errs := c.sorted(); len(errs) > 0 {
		return nil, false, errs
	}
	if !changed {
		return stored, false, nil
	}
	return out, true, nil
}

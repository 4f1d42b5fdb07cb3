package cli

import (
	"moonwatch/luaapi/describe"
	"moonwatch/server/web"
)

// contractReference is the reference of the plugin contract, for the pages.
func contractReference() web.Reference {
	return web.Reference{Preface: describe.Preface(), Sections: referenceSections(describe.Sections())}
}

func referenceSections(list []describe.Section) []web.ReferenceSection {
	var out []web.ReferenceSection
	for _, s := range list {
		one := web.ReferenceSection{Title: s.Title, ID: s.ID, Texts: s.Texts, Example: s.Example, Closing: s.Closing, Contents: s.Contents,
			Parts: referenceSections(s.Parts)}
		for _, t := range s.Tables {
			table := web.ReferenceTable{Head: t.Head}
			for _, row := range t.Rows {
				cells := make([]web.ReferenceCell, len(row.Cells))
				for i, c := range row.Cells {
					cells[i] = web.ReferenceCell(c)
				}
				table.Rows = append(table.Rows, web.ReferenceRow{ID: row.ID, Cells: cells})
			}
			one.Tables = append(one.Tables, table)
		}
		out = append(out, one)
	}
	return out
}

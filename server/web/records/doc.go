// Package records is the pages of what was: the report of how services and
// instances fared, the audit log, and the revisions of an object, any of which can
// be brought back.
//
// Changes are written for people: names in place of ids, and of a secret no more
// than that it changed.
package records

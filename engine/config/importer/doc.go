// Package importer reads and writes the configuration as one document. An import is
// planned whole against what is stored, with every complaint at its line, and shown as a
// difference; it is applied in idempotent pieces that the next start finishes. An export
// of the same configuration is the same text; its secrets are left out, or encrypted to
// a passphrase.
package importer

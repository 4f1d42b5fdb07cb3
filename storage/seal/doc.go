// Package seal encrypts the secrets of a monitor before they come near its database:
// it implements engine.Sealer on a key file beside the data, or a key from the
// environment.
//
// A secret is sealed for one place, a field of an object, and opens only there:
// whoever can write to the database cannot move a password to where it would be
// sent elsewhere. What was sealed names its key by a fingerprint, so that a wrong
// key file is told from damage.
//
// The key file is made by the first start, readable by its owner alone, and never
// part of a backup.
package seal

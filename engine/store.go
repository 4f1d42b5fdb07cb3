package engine

import (
	"context"
	"errors"
	"iter"
	"time"

	"moonwatch/engine/form"
)

// Kind names a sort of record.
type Kind string

// The kinds of record. Configuration has revisions, state has none.
const (
	KindService        Kind = "service"
	KindInstance       Kind = "instance"
	KindCheck          Kind = "check"
	KindUser           Kind = "user"
	KindToken          Kind = "token"
	KindPluginSettings Kind = "plugin_settings"
	KindSettings       Kind = "settings"
	KindRota           Kind = "rota"
	KindSilence        Kind = "silence"

	KindCheckState    Kind = "check_state"
	KindSubjectState  Kind = "subject_state"
	KindIncident      Kind = "incident"
	KindIncidentEvent Kind = "incident_event"
	KindDelivery      Kind = "delivery"
	KindSession       Kind = "session"
	KindPluginSource  Kind = "plugin_source"
	KindPluginData    Kind = "plugin_data"
	KindBreaker       Kind = "breaker"
	KindTransition    Kind = "transition"     // a check or subject changed its status: the ground of uptime figures
	KindAggregate     Kind = "sum"            // the aggregated hours of one check and day; not JSON but a form of its own
	KindShifts        Kind = "shifts"         // the shifts last read of a rota's feed
	KindContact       Kind = "contact"        // when a user was contacted through a channel, for flood limits
	KindPluginVersion Kind = "plugin_version" // a version of a plugin file that loaded
	KindMark          Kind = "mark"           // something that happens once
	KindAudit         Kind = "audit"
)

// Record is one stored object: Data is JSON that the engine wrote, opaque to the store.
type Record struct {
	Kind     Kind
	ID       string // any text without NUL, at most 512 bytes
	Revision uint64 // configuration: the object's revision, kept with its history; 0 for state
	Author   string // configuration: who made the revision
	At       time.Time
	Terms    []string  // what Query.Term finds the record by, e.g. "open", "service:<id>"
	Expires  time.Time // zero: never; the store may drop the record some time after
	Data     []byte
}

// Key names a record.
type Key struct {
	Kind Kind
	ID   string
}

// Batch is a set of changes that happens as a whole or not at all. It holds
// absolute puts and deletes, never increments: applying it twice does no harm.
// Of two puts of one key the last counts; a key that is put and deleted is deleted.
type Batch struct {
	ID      string    // unique; names the batch in logs
	Author  string    // who deletes: kept with the history of deleted configuration
	At      time.Time // when it was deleted; zero is the store's now
	Puts    []Record
	Deletes []Key // deleting what is not there is no error; the history of revisions stays
	Results []Result
}

// Query selects records of one kind in order of id.
type Query struct {
	Term    string // "" is all records of the kind
	Prefix  string // "" is all; else only ids that begin with it
	After   string // exclusive: ids above it (below it, when Reverse); "" is from the end
	Reverse bool   // descending by id: newest first where ids are ordered by time
	Limit   int    // 0 is no limit
}

// Revision is one past or present state of a configured object.
type Revision struct {
	Number  uint64    `json:"revision"`
	Author  string    `json:"author"`
	At      time.Time `json:"at"`
	Deleted bool      `json:"deleted"`
	Data    []byte    `json:"-"`
}

// ErrNotFound is returned for a record that is not there.
var ErrNotFound = errors.New("not found")

// Store keeps everything. All writes pass Apply. Implementations are safe for
// concurrent use; storage/storagetest holds the conformance test.
type Store interface {
	// Apply makes the batch durable before it returns. It may block on the disk.
	// A batch that was refused left nothing behind.
	Apply(ctx context.Context, b *Batch) error
	// Get returns one record, or ErrNotFound. The record is the caller's.
	Get(ctx context.Context, kind Kind, id string) (Record, error)
	// Scan calls fn for each record that q selects until fn returns false. The
	// record's data is valid during the call alone.
	Scan(ctx context.Context, kind Kind, q Query, fn func(Record) bool) error
	// Revisions returns the history of a configured object, newest first.
	Revisions(ctx context.Context, kind Kind, id string) ([]Revision, error)
	// Results calls fn for the results of a check with from <= Seq < to, newest
	// first, until fn returns false. to = 0 is no upper bound. Results are the
	// caller's; times come back in UTC and, like Took, in whole microseconds, and
	// empty lists as nil. A result put again under its Seq replaces the one before.
	Results(ctx context.Context, check string, from, to uint64, fn func(*Result) bool) error
	// LatestResults calls fn once for each check that has results, with its last
	// one, in order of check id, until fn returns false.
	LatestResults(ctx context.Context, fn func(*Result) bool) error
	// DropResults removes the results of a check below Seq before (0: all of them).
	DropResults(ctx context.Context, check string, before uint64) error
	// Close flushes and releases the folder.
	Close() error
}

// Sealer encrypts secrets. Object and field are authenticated: a sealed value
// moved to another object or field does not open.
type Sealer interface {
	Seal(object, field string, plain []byte) (form.Sealed, error)
	Open(object, field string, sealed form.Sealed) ([]byte, error)
	// Fingerprint names the key without giving it away.
	Fingerprint() string
}

// Records ranges over the records that q selects. Their data is valid during one
// turn of the loop alone; the loop may use the store, but for closing it. An
// error, of the disk or the context, comes last and with an empty record.
func Records(ctx context.Context, store Store, kind Kind, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		left := false
		err := store.Scan(ctx, kind, q, func(r Record) bool {
			left = !yield(r, nil)
			return !left
		})
		if err != nil && !left {
			yield(Record{}, err)
		}
	}
}

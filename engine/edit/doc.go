// Package edit is what people change: checks, services and instances, users with their
// sessions and tokens, rotas, silences, settings. Each noun has a service that shows the
// objects as clients may see them (secrets as set or not) and saves them: values are
// validated and cleaned with all complaints at once, secrets are sealed before a batch
// exists, and a revision that is no longer the newest is refused. Deleting unlinks, and
// a deleted object can be brought back.
package edit

package engine

import (
	"time"
)

// AuditEntry is one entry of the audit log: who changed what.
type AuditEntry struct {
	ID      string        `json:"id"`
	At      time.Time     `json:"at"`
	User    string        `json:"user"` // user id, "" for the command line and the monitor itself
	Name    string        `json:"name"` // of the user
	Via     string        `json:"via"`
	Action  string        `json:"action"` // create, update, delete, or what was done
	Kind    Kind          `json:"kind"`
	Object  string        `json:"object"`
	Title   string        `json:"title"` // the object's name
	Changes []AuditChange `json:"changes"`
}

// AuditChange is one changed field. Secrets show as "(secret)".
type AuditChange struct {
	Field  string `json:"field"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

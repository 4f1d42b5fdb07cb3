// Package oncall knows who is on duty. Shifts are derived: from rotations, and from
// iCal feeds as they were last read whole, with overrides laid over them. A feed that
// cannot be read leaves the shifts as they were and is a problem of the rota. Duty keeps
// the shifts; OnDuty answers for one instant; Service is what clients see, with the
// feeds that the monitor itself writes.
package oncall

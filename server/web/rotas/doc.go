// Package rotas is the pages of rotas: who is on duty now and next, one rota with
// its coming weeks, its form, swaps of shifts, and the addresses under which
// calendars read shifts.
//
// What the shifts are is for engine/oncall to say. Times in forms are wall time of
// the rota's zone, and so are those on its page: one shift is shown on one clock.
package rotas

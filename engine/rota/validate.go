package rota

import (
	"errors"
	"fmt"
	"time"
)

// FieldError is one thing that is wrong with what a person entered. Field is
// the name on the API, Code one of the API's.
type FieldError struct {
	Field   string
	Code    string
	Message string
}

func (e FieldError) Error() string { return e.Field + ": " + e.Message }

// LongestOverride bounds an override.
const LongestOverride = 366 * 24 * time.Hour

// Validate returns everything that is wrong with a rotation. known tells
// whether a member is a user; nil takes every one.
func (r Rotation) Validate(known func(user string) bool) []FieldError {
	var errs []FieldError
	add := func(field, code, message string) { errs = append(errs, FieldError{field, code, message}) }
	switch {
	case len(r.Members) == 0:
		add("members", "required", "a rotation has at least one member")
	case len(r.Members) > MaxMembers:
		add("members", "max", fmt.Sprintf("at most %d members", MaxMembers))
	}
	for i, m := range r.Members {
		if i < MaxMembers && known != nil && !known(m) {
			add(fmt.Sprintf("members[%d]", i), "not_found", "no such user")
		}
	}
	switch _, err := ParseEvery(r.Every); {
	case r.Every == "":
		add("every", "required", "This field is required.")
	case errors.Is(err, errLongTurn):
		add("every", "max", err.Error())
	case err != nil:
		add("every", "invalid", err.Error())
	}
	if r.Starts == "" {
		add("starts", "required", "This field is required.")
	} else if t, err := time.Parse(StartsLayout, r.Starts); err != nil || t.Year() < 1970 {
		add("starts", "invalid", "write a date and time, such as 2026-01-05T09:00")
	}
	return errs
}

// Validate returns everything that is wrong with an override. known tells
// whether its user is one; nil takes every one.
func (o Override) Validate(known func(user string) bool) []FieldError {
	var errs []FieldError
	add := func(field, code, message string) { errs = append(errs, FieldError{field, code, message}) }
	switch {
	case o.User == "":
		add("user", "required", "This field is required.")
	case known != nil && !known(o.User):
		add("user", "not_found", "no such user")
	}
	if o.Start.IsZero() {
		add("start", "required", "This field is required.")
	}
	switch {
	case o.End.IsZero():
		add("end", "required", "This field is required.")
	case o.Start.IsZero():
	case !o.End.After(o.Start):
		add("end", "min", "the end is not after the start")
	case o.End.Sub(o.Start) > LongestOverride:
		add("end", "max", "an override is at most a year")
	}
	return errs
}

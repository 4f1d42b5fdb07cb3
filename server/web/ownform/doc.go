// Package ownform is what the forms of the engine's own objects are made of:
// bounds and choices to declare their fields with, and the way from an object's
// values to those of fields and back.
//
// The engine's own fields are declared as plugins declare theirs, so that one
// renderer (webform) and one cleaning (engine/form) serve both. A form therefore
// has three parts, each a function beside the pages of its object: the form.Form;
// the raw values that it starts with (SpanText, AnyTexts, WallText); and what
// takes cleaned values into the object (SpanOf, RowsOf, Words, WallTime). What is
// wrong beyond a single field is for the engine to say.
package ownform

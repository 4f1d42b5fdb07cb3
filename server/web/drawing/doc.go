// Package drawing turns figures into what people read: numbers, sizes and spans of
// time as text, and charts, status bars, uptime and weeks of a rota as SVG.
//
// In come results, aggregates and shifts; out comes text or HTML that is escaped
// already, with a summary in words for those who do not see the picture. Nothing
// is told by colour alone.
//
// The package is pure: it knows no request, no page and no store.
package drawing

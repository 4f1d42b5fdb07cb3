// Package look is what all pages look like, those of the monitor and those that
// are public: colours and typeface, the moon that tells how things stand, and the
// strip of what happened lately.
//
// Quiet is the rule. What passes has hardly a colour; a warning is amber, an error
// red, and what is critical is the only filled block on a page; what is unknown is
// hatched. Statuses differ by ink and shape before they differ by hue, and nothing
// but a status has their colours.
//
// The package is pure: it knows no request, no page and nothing of the engine.
package look

import "embed"

// Files are the style of the tokens and the typeface, with its licence. The style
// names the typeface beside it: both are served below one address.
//
//go:embed tokens.css geist.woff2 geist-mono.woff2 OFL.txt
var Files embed.FS

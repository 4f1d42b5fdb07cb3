package web

import "moonwatch/server/web/frame"

// lookup finds what pages of several kinds show: names, choices, cards.
type lookup struct{ *frame.Frame }

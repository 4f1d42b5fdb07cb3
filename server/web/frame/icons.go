package frame

import (
	"html/template"
	"strings"
)

// icon draws a symbol of the sprite. Names come from the code, never from data.
func (a *Assets) icon(name, class string) template.HTML {
	return template.HTML(`<svg class="icon ` + class + `" aria-hidden="true" focusable="false"><use href="` + a.URL("icons.svg") + "#" + name + `"/></svg>`)
}

// defaultIcon stands for a font_icon that is not known.
const defaultIcon = "puzzle"

// iconOf finds a symbol for a Font Awesome or glyphicon class ("fa fa-globe",
// "glyphicon glyphicon-transfer"). It always returns a name of the sprite.
func iconOf(class string) string {
	for _, word := range strings.Fields(strings.ToLower(class)) {
		for _, prefix := range []string{"fa-", "glyphicon-"} {
			if name, ok := strings.CutPrefix(word, prefix); ok {
				if symbol, known := iconNames()[name]; known {
					return symbol
				}
			}
		}
	}
	return defaultIcon
}

// iconNames maps names of Font Awesome and glyphicons to symbols.
func iconNames() map[string]string {
	return map[string]string{
		"globe": "globe", "earth": "globe", "link": "globe", "html5": "globe", "chrome": "globe", "sitemap": "network",
		"arrow-up": "arrow-up", "upload": "arrow-up", "level-up": "arrow-up", "arrow-right": "arrow",
		"transfer": "transfer", "exchange": "transfer", "retweet": "transfer", "arrows-h": "transfer", "random": "transfer",
		"envelope": "envelope", "envelope-o": "envelope", "at": "envelope", "inbox": "envelope",
		"slack": "hash", "hashtag": "hash", "hipchat": "chat", "comment": "chat", "comments": "chat", "comment-o": "chat", "discord": "chat",
		"telegram": "send", "paper-plane": "send", "paper-plane-o": "send", "send": "send", "share": "send", "bullhorn": "bell",
		"phone": "phone", "phone-square": "phone", "phone-alt": "phone", "earphone": "phone", "mobile": "mobile", "mobile-phone": "mobile", "sms": "mobile", "commenting": "chat",
		"cloud": "cloud", "cloud-upload": "cloud", "cloud-download": "cloud", "amazon": "cloud", "aws": "cloud",
		"database": "database", "hdd": "database", "hdd-o": "database", "save": "database",
		"code": "code", "code-fork": "code", "file-code-o": "code", "github": "code", "git": "code", "html": "code",
		"terminal": "terminal", "console": "terminal", "keyboard-o": "terminal", "linux": "terminal", "ssh": "terminal",
		"clock-o": "clock", "clock": "clock", "time": "clock", "hourglass": "clock", "stopwatch": "clock",
		"bell": "bell", "bell-o": "bell", "alert": "bell",
		"lock": "lock", "key": "key", "certificate": "shield", "shield": "shield", "unlock": "lock",
		"bolt": "bolt", "flash": "bolt", "plug": "plug", "power-off": "plug", "off": "plug",
		"heart": "heart", "heart-o": "heart", "heartbeat": "heart", "medkit": "heart",
		"bar-chart": "chart", "bar-chart-o": "chart", "line-chart": "chart", "area-chart": "chart", "pie-chart": "chart", "stats": "chart", "signal": "chart", "dashboard": "chart", "tachometer": "chart", "graph": "chart",
		"file": "file", "file-o": "file", "file-text": "file", "file-text-o": "file", "list-alt": "file",
		"folder": "folder", "folder-open": "folder", "folder-o": "folder",
		"search": "search", "eye": "search", "eye-open": "search", "binoculars": "search",
		"wrench": "wrench", "gear": "wrench", "gears": "wrench", "cog": "wrench", "cogs": "wrench", "tools": "wrench", "jenkins": "wrench",
		"tasks": "tasks", "list": "tasks", "check": "tasks", "ok": "tasks", "check-square-o": "tasks",
		"skull": "skull", "bug": "skull", "fire": "bolt",
		"thermometer": "thermometer", "thermometer-half": "thermometer", "sun-o": "thermometer",
		"network-wired": "network", "share-alt": "network", "connectdevelop": "network", "wifi": "network",
		"server": "server", "desktop": "server", "laptop": "server", "docker": "server", "tower": "server", "cubes": "service", "cube": "service",
		"calendar": "calendar", "calendar-o": "calendar", "tag": "tag", "tags": "tag", "refresh": "refresh", "repeat": "refresh", "sync": "refresh",
		"user": "user", "users": "users", "group": "users", "warning": "incident", "exclamation-triangle": "incident", "warning-sign": "incident",
		"info": "info", "info-circle": "info", "info-sign": "info", "puzzle-piece": "puzzle",
	}
}

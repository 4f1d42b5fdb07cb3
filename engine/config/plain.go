package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// The keys of the maps that stand for secrets.
const (
	secretKey    = "secret"
	encryptedKey = "encrypted"
)

// plain is a node as plain values, secrets as Secret.
func plain(n *Node) any {
	switch n.Kind {
	case BoolNode:
		return n.Bool
	case NumberNode:
		if n.Text != "" && n.Text != formatNumber(n.Number) {
			return Number{n.Number, n.Text}
		}
		return n.Number
	case TextNode:
		return n.Text
	case ListNode:
		out := make([]any, len(n.Items))
		for i, one := range n.Items {
			out[i] = plain(one)
		}
		return out
	case MapNode:
		if s, ok := secretOf(n); ok {
			return s
		}
		out := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			key := p.Key
			if len(n.Pairs) == 1 && looksSecret(key) && key[0] == '$' {
				key = key[1:]
			}
			out[key] = plain(p.Value)
		}
		return out
	}
	return nil
}

// secretOf reads the map that stands for a secret.
func secretOf(n *Node) (Secret, bool) {
	if len(n.Pairs) != 1 {
		return Secret{}, false
	}
	switch v := n.Pairs[0].Value; n.Pairs[0].Key {
	case secretKey:
		return Secret{}, v.Kind == BoolNode && v.Bool
	case encryptedKey:
		return Secret{v.Text}, v.Kind == TextNode && v.Text != ""
	}
	return Secret{}, false
}

// looksSecret reports whether a map with this one key would be read as a
// secret or a variable, or as one that was escaped: it gets a further $.
func looksSecret(key string) bool {
	key = strings.TrimLeft(key, "$")
	return key == secretKey || key == encryptedKey || key == envKey
}

// nodeOf is the reverse of plain; maps are in order of their keys.
func nodeOf(v any) *Node {
	switch v := v.(type) {
	case bool:
		return &Node{Kind: BoolNode, Bool: v}
	case float64:
		return &Node{Kind: NumberNode, Number: v, Text: formatNumber(v)}
	case int:
		return nodeOf(float64(v))
	case string:
		return text(v)
	case Secret:
		return secretNode(v)
	case []any:
		n := &Node{Kind: ListNode}
		for _, one := range v {
			n.Items = append(n.Items, nodeOf(one))
		}
		return n
	case Values:
		return nodeOf(map[string]any(v))
	case map[string]any:
		n := &Node{Kind: MapNode}
		for _, key := range sortedKeys(v) {
			shown := key
			if len(v) == 1 && looksSecret(key) {
				shown = "$" + key
			}
			n.Pairs = append(n.Pairs, Pair{Key: shown, Value: nodeOf(v[key])})
		}
		return n
	}
	return &Node{}
}

func secretNode(s Secret) *Node {
	if s.Encrypted == "" {
		return &Node{Kind: MapNode, Pairs: []Pair{{Key: secretKey, Value: &Node{Kind: BoolNode, Bool: true}}}}
	}
	return &Node{Kind: MapNode, Pairs: []Pair{{Key: encryptedKey, Value: text(s.Encrypted)}}}
}

func text(s string) *Node { return &Node{Kind: TextNode, Text: s} }

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// formatNumber writes a number so that it reads as the same number again.
func formatNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.FormatInt(int64(v), 10)
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok && !strings.Contains(mantissa, ".") {
		s = mantissa + ".0e" + exponent
	}
	return s
}

package data

import (
	"encoding/json"
	"strings"

	"pgregory.net/rapid"
)

// csv writes the table with every field in quotes.
func (t *table) csv() string {
	var b strings.Builder
	for _, row := range append([][]string{t.columns}, t.rows...) {
		for i, value := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(value, `"`, `""`) + `"`)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// json writes the table as an array or as lines, the members of all objects but
// the first in any order.
func (t *table) json(draw *rapid.T) string {
	lines := make([]string, len(t.rows))
	for n, row := range t.rows {
		members := make([]string, len(row))
		for i, value := range row {
			key, _ := json.Marshal(t.columns[i])
			text, _ := json.Marshal(value)
			members[i] = string(key) + ": " + string(text)
		}
		if n > 0 {
			members = rapid.Permutation(members).Draw(draw, "members")
		}
		lines[n] = "{" + strings.Join(members, ",") + "}"
	}
	if rapid.Bool().Draw(draw, "array") {
		return "[" + strings.Join(lines, ",\n") + "]"
	}
	return strings.Join(lines, "\n")
}

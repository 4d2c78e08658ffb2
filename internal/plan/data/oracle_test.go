package data

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// table is what a file should give.
type table struct {
	columns []string
	rows    [][]string
}

// usable reports whether a table has what all data sets must have.
func (t *table) usable() bool {
	seen := map[string]bool{}
	for _, name := range t.columns {
		if seen[name] || !nameable(name) {
			return false
		}
		seen[name] = true
	}
	return len(t.columns) > 0 && len(t.rows) > 0
}

// csvOracle reads content with encoding/csv.
func csvOracle(content string) (*table, bool) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(content, byteOrderMark)))
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 || !utf8.ValidString(content) {
		return nil, false
	}
	t := &table{rows: all[1:]}
	for _, name := range all[0] {
		t.columns = append(t.columns, strings.TrimSpace(name))
	}
	return t, t.usable()
}

// jsonOracle reads content with encoding/json.
func jsonOracle(content string) (*table, bool) {
	if !utf8.ValidString(content) {
		return nil, false
	}
	objects, ok := jsonObjects(strings.TrimPrefix(content, byteOrderMark))
	if !ok || len(objects) == 0 {
		return nil, false
	}
	var t table
	for n, object := range objects {
		names, values, ok := jsonMembers(object)
		if !ok {
			return nil, false
		}
		if n == 0 {
			t.columns = names
		}
		row := make([]string, len(t.columns))
		for i, name := range t.columns {
			value, ok := values[name]
			if !ok || len(values) != len(t.columns) {
				return nil, false
			}
			row[i] = value
		}
		t.rows = append(t.rows, row)
	}
	return &t, t.usable()
}

// jsonObjects cuts an array, or one value after the other, into its parts.
func jsonObjects(content string) (objects []json.RawMessage, ok bool) {
	if strings.HasPrefix(strings.TrimLeft(content, " \t\r\n"), "[") {
		err := json.Unmarshal([]byte(content), &objects)
		return objects, err == nil
	}
	d := json.NewDecoder(strings.NewReader(content))
	for {
		var object json.RawMessage
		switch err := d.Decode(&object); {
		case errors.Is(err, io.EOF):
			return objects, true
		case err != nil:
			return nil, false
		}
		objects = append(objects, object)
	}
}

// jsonMembers gives the keys of an object in their order, and its values as text.
func jsonMembers(object []byte) (names []string, values map[string]string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(object))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, nil, false
	}
	values = map[string]string{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		name, _ := key.(string)
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, nil, false
		}
		value := string(raw)
		var text *string
		if json.Unmarshal(raw, &text) == nil {
			value = ""
			if text != nil {
				value = *text
			}
		}
		if _, twice := values[name]; twice {
			return nil, nil, false
		}
		names, values[name] = append(names, name), value
	}
	return names, values, true
}

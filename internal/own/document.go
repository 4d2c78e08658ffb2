package own

import (
	"encoding/json"
	"fmt"
)

// format is the version of the values written here. Fields may be added without
// raising it; whoever does not know them keeps them.
const format = 1

// others are fields of a stored value that this version does not know: written
// by a newer one, and kept.
type others map[string]json.RawMessage

// decode reads a JSON object into v, whose fields are all always written, and
// gives those that v has no place for.
func decode(text []byte, v any) (others, error) {
	known, err := fieldsOf(v)
	if err != nil {
		return nil, err
	}
	var rest others
	if err := json.Unmarshal(text, &rest); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var version int
	if err := json.Unmarshal(rest["v"], &version); err != nil || version != format {
		return nil, fmt.Errorf("%w: format %.20q, known is %d", ErrDamaged, rest["v"], format)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	delete(rest, "v")
	for name := range known {
		delete(rest, name)
	}
	return rest, nil
}

// encode is the inverse of decode.
func encode(v any, rest others) ([]byte, error) {
	fields, err := fieldsOf(v)
	if err != nil {
		return nil, err
	}
	for name, value := range rest {
		if _, known := fields[name]; !known {
			fields[name] = value
		}
	}
	fields["v"] = json.RawMessage(fmt.Sprint(format))
	return json.Marshal(fields)
}

func fieldsOf(v any) (others, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var fields others
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return fields, nil
}

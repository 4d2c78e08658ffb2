package plan_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"

	"hyperscale/internal/plan"
)

// TestSchema holds the schema against good plans, which it must take, and
// against bad ones.
func TestSchema(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(plan.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	if root["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Error("the schema does not say of which draft it is")
	}
	s := schema{root: root}
	for name, text := range goodPlans(t) {
		if err := s.check(root, parsed(t, text), "$"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{
		"{}", "[]", "5", "workflows: []", "workflows: {a: {}}", "workflows: {a: {steps: {}}}", "workflows: {a: {steps: []}, b: 5}",
		"workflows: {a: {steps: [{gett: /}]}}", "workflows: {a: {steps: [{get: [a]}]}}", "workflow: {}\nworkflows: {}",
		"workflows: {a: {steps: [{pause: 3}]}}", "workflows: {a: {steps: [{pause: 3x}]}}", "workflows: {a: {load: {rate: 5}, steps: []}}",
		"workflows: {a: {load: {vus: 1, for: 10}, steps: []}}", "workflows: {a: {on-error: panic, steps: []}}", "workflows: {}\nseed: x",
		"workflows: {a: {steps: [{get: /, check: {status: 20}}]}}", "workflows: {a: {steps: [{get: /, check: {time: 5s}}]}}",
		"workflows: {}\nthresholds: [{a: x, b: y}]", "workflows: {a: {steps: [{get: /, auth: {basic: [a]}}]}}", "workflows: {a: {steps: [{choose: [{steps: []}]}]}}",
		"workflows: {a: {after: {b: sometimes}, steps: []}}", "workflows: {a: {steps: [{get: /, http: 3}]}}", "workflows: {a: {load: {search: {}}, steps: []}}",
	} {
		if err := s.check(root, parsed(t, bad), "$"); err == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}

// TestSchemaIsDocumented holds that every key has a description.
func TestSchemaIsDocumented(t *testing.T) {
	var root struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(plan.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	keys := 0
	for name, def := range root.Defs {
		for key, property := range def.Properties {
			keys++
			if property.Description == "" {
				t.Errorf("%s.%s has no description", name, key)
			}
		}
	}
	if keys < 80 {
		t.Errorf("only %d keys", keys)
	}
}

// goodPlans are the plans that the reader takes.
func goodPlans(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	transcripts(t, "testdata/plans.txt", func(text string) string {
		all[strings.SplitN(text, "\n", 2)[0]] = text
		return wantOf(t, "testdata/plans.txt", text)
	})
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "testdata/design.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	return all
}

// parsed is a YAML text as a value of JSON.
func parsed(t *testing.T, text string) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var v any
	if err := json.Unmarshal(asJSON, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// schema checks values against a JSON Schema, as far as ours goes.
type schema struct{ root map[string]any }

func (s schema) check(rule map[string]any, v any, at string) error {
	for _, keyword := range []func(rule map[string]any, v any, at string) error{s.ref, s.kind, s.values, s.text, s.number, s.object, s.array, s.any} {
		if err := keyword(rule, v, at); err != nil {
			return err
		}
	}
	for keyword := range rule {
		if !slices.Contains([]string{
			"$schema", "$id", "$defs", "$ref", "title", "description", "type", "enum", "const", "pattern", "minimum", "maximum", "properties", "required",
			"additionalProperties", "patternProperties", "minProperties", "maxProperties", "items", "minItems", "maxItems", "anyOf",
		}, keyword) {
			return fmt.Errorf("%s: this test does not know %q", at, keyword)
		}
	}
	return nil
}

func (s schema) ref(rule map[string]any, v any, at string) error {
	ref, ok := rule["$ref"].(string)
	if !ok {
		return nil
	}
	def := s.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")]
	return s.check(def.(map[string]any), v, at)
}

func (s schema) kind(rule map[string]any, v any, at string) error {
	var kinds []any
	switch k := rule["type"].(type) {
	case nil:
		return nil
	case string:
		kinds = []any{k}
	case []any:
		kinds = k
	}
	is := map[string]bool{}
	switch x := v.(type) {
	case string:
		is["string"] = true
	case bool:
		is["boolean"] = true
	case float64:
		is["number"], is["integer"] = true, x == math.Trunc(x)
	case []any:
		is["array"] = true
	case map[string]any:
		is["object"] = true
	}
	if !slices.ContainsFunc(kinds, func(k any) bool { return is[k.(string)] }) {
		return fmt.Errorf("%s: %v is not %v", at, v, kinds)
	}
	return nil
}

func (s schema) values(rule map[string]any, v any, at string) error {
	if want, ok := rule["const"]; ok && want != v {
		return fmt.Errorf("%s: %v is not %v", at, v, want)
	}
	if all, ok := rule["enum"].([]any); ok && !slices.ContainsFunc(all, func(want any) bool { return reflect.DeepEqual(want, v) }) {
		return fmt.Errorf("%s: %v is none of %v", at, v, all)
	}
	return nil
}

func (s schema) text(rule map[string]any, v any, at string) error {
	text, isText := v.(string)
	p, ok := rule["pattern"].(string)
	if ok && isText && !regexp.MustCompile(p).MatchString(text) {
		return fmt.Errorf("%s: %q does not match %s", at, text, p)
	}
	return nil
}

func (s schema) number(rule map[string]any, v any, at string) error {
	n, isNumber := v.(float64)
	low, hasLow := rule["minimum"].(float64)
	high, hasHigh := rule["maximum"].(float64)
	if isNumber && (hasLow && n < low || hasHigh && n > high) {
		return fmt.Errorf("%s: %v is out of range", at, n)
	}
	return nil
}

func (s schema) object(rule map[string]any, v any, at string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	required, _ := rule["required"].([]any)
	for _, key := range required {
		if _, has := object[key.(string)]; !has {
			return fmt.Errorf("%s: %s is missing", at, key)
		}
	}
	if low, ok := rule["minProperties"].(float64); ok && len(object) < int(low) {
		return fmt.Errorf("%s: too few keys", at)
	}
	if high, ok := rule["maxProperties"].(float64); ok && len(object) > int(high) {
		return fmt.Errorf("%s: too many keys", at)
	}
	for key, value := range object {
		if err := s.member(rule, key, value, at+"."+key); err != nil {
			return err
		}
	}
	return nil
}

// member checks the value of one key.
func (s schema) member(rule map[string]any, key string, value any, at string) error {
	properties, _ := rule["properties"].(map[string]any)
	if property, ok := properties[key].(map[string]any); ok {
		return s.check(property, value, at)
	}
	patterns, _ := rule["patternProperties"].(map[string]any)
	for p := range patterns {
		if regexp.MustCompile(p).MatchString(key) {
			return nil
		}
	}
	switch more := rule["additionalProperties"].(type) {
	case bool:
		if !more {
			return fmt.Errorf("%s: unknown", at)
		}
	case map[string]any:
		return s.check(more, value, at)
	}
	return nil
}

func (s schema) array(rule map[string]any, v any, at string) error {
	array, ok := v.([]any)
	if !ok {
		return nil
	}
	if low, ok := rule["minItems"].(float64); ok && len(array) < int(low) {
		return fmt.Errorf("%s: too few items", at)
	}
	if high, ok := rule["maxItems"].(float64); ok && len(array) > int(high) {
		return fmt.Errorf("%s: too many items", at)
	}
	items, ok := rule["items"].(map[string]any)
	for i, item := range array {
		if !ok {
			break
		}
		if err := s.check(items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (s schema) any(rule map[string]any, v any, at string) error {
	all, ok := rule["anyOf"].([]any)
	if !ok {
		return nil
	}
	var last error
	for _, one := range all {
		if last = s.check(one.(map[string]any), v, at); last == nil {
			return nil
		}
	}
	return last
}

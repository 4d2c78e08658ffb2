package plan_test

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"hyperscale"
)

// dump writes a value without what is zero, one step or workflow in a line.
func dump(v any) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(v), "")
	return b.String()
}

// write writes one value; indent is that of the lines.
func write(b *strings.Builder, v reflect.Value, indent string) {
	switch x := v.Interface().(type) {
	case time.Duration:
		b.WriteString(hyperscale.FormatDuration(x))
		return
	case hyperscale.Rate:
		b.WriteString(x.String())
		return
	case hyperscale.Pair:
		fmt.Fprintf(b, "%s=%q", x.Name, x.Value)
		return
	case []byte:
		fmt.Fprintf(b, "%q", x)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		write(b, v.Elem(), indent)
	case reflect.Struct:
		writeFields(b, v, indent)
	case reflect.Slice:
		writeItems(b, v, indent)
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprint(b, v.Interface())
	}
}

func writeFields(b *strings.Builder, v reflect.Value, indent string) {
	separator := ""
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
			continue
		}
		fmt.Fprintf(b, "%s%s:", separator, v.Type().Field(i).Name)
		separator = " "
		if f.Kind() == reflect.Struct || f.Kind() == reflect.Pointer && f.Elem().Kind() == reflect.Struct {
			b.WriteByte('{')
			write(b, f, indent)
			b.WriteByte('}')
			continue
		}
		write(b, f, indent)
	}
}

func writeItems(b *strings.Builder, v reflect.Value, indent string) {
	switch v.Interface().(type) {
	case []hyperscale.Workflow, []hyperscale.Step, []hyperscale.Choice, []hyperscale.Threshold, []hyperscale.DataSet:
		for i := range v.Len() {
			b.WriteString("\n" + indent + "- ")
			write(b, v.Index(i), indent+"  ")
		}
		return
	}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		if v.Index(i).Kind() == reflect.Struct {
			b.WriteByte('{')
			write(b, v.Index(i), indent)
			b.WriteByte('}')
			continue
		}
		write(b, v.Index(i), indent)
	}
	b.WriteByte(']')
}

package test_test

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// behaviours is how many are numbered.
const behaviours = 64

var (
	numbered = regexp.MustCompile(`B-\d\d`)
	spanned  = regexp.MustCompile("`([^`]+)`")
)

// The table of behaviours names each of them once, and where it lives and by what
// it is tested exists.
func TestBehavioursAreWhereTheTableSays(t *testing.T) {
	text, err := os.ReadFile("../doc/behaviours.md")
	if err != nil {
		t.Fatal(err)
	}
	names := declared(t)
	seen := map[string]int{}
	rows, later, _ := strings.Cut(string(text), "## With gates")
	for _, number := range numbered.FindAllString(later, -1) {
		seen[number]++
	}
	for line := range strings.Lines(rows) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.TrimSpace(cells[1]) == "" || strings.HasPrefix(cells[1], "---") {
			continue
		}
		name := strings.TrimSpace(cells[1])
		seen[name]++
		for _, column := range []int{3, 4} {
			spans := spanned.FindAllStringSubmatch(cells[column], -1)
			if len(spans) == 0 {
				t.Errorf("%s: nothing is named in %q", name, cells[column])
			}
			for _, span := range spans {
				test := strings.Contains(span[1], ".Test")
				if !names[span[1]] || test != (column == 4) {
					t.Errorf("%s names %s, which is not there", name, span[1])
				}
			}
		}
	}
	for i := range behaviours {
		if number := fmt.Sprintf("B-%02d", i+1); seen[number] != 1 {
			t.Errorf("%s is in the table %d times", number, seen[number])
		}
	}
}

// declared are all functions, methods, types and constants of the tree, as the
// table names them: package.Name or package.Type.Method, packages from internal on.
func declared(t *testing.T) map[string]bool {
	names := map[string]bool{}
	for _, s := range sources(t) {
		in := strings.TrimPrefix(path.Dir(s.path), "internal/")
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = typeName(d.Recv.List[0].Type) + "." + name
				}
				names[in+"."+name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names[in+"."+spec.Name.Name] = true
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							names[in+"."+id.Name] = true
						}
					}
				}
			}
		}
	}
	return names
}

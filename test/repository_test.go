package test_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hyperscale/internal/plan"
)

// source is one Go file of the tree.
type source struct {
	path string // from the root, with slashes
	file *ast.File
	set  *token.FileSet
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// part is the package that the import rules speak of: the root (""), a package
// below internal with all below it, or the top folder.
func (s source) part() string { return partOf(path.Dir(s.path)) }

func partOf(dir string) string {
	below, internal := strings.CutPrefix(dir, "internal/")
	first, _, _ := strings.Cut(below, "/")
	if internal || first != "." {
		return first
	}
	return ""
}

// sources parses every Go file of the module that people wrote; bench/peers is
// another module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			hidden := name != "." && strings.HasPrefix(entry.Name(), ".")
			_, err := fs.Stat(root, path.Join(name, "go.mod"))
			if hidden || entry.Name() == "testdata" || err == nil && name != "." {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join("..", name), nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if !ast.IsGenerated(file) {
			all = append(all, source{name, file, set})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryPackageIsDocumented(t *testing.T) {
	documented := make(map[string]bool)
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		dir := path.Dir(s.path)
		documented[dir] = documented[dir] || s.file.Doc != nil
	}
	for dir, has := range documented {
		if !has {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestEveryExportedThingIsDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		for _, decl := range s.file.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", s.set.Position(decl.Pos()), name)
			}
		}
	}
}

// undocumented gives the exported names of a declaration that nothing explains.
func undocumented(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && receiverIsExported(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			names = append(names, undocumentedSpec(spec, d.Doc != nil)...)
		}
		return names
	}
	return nil
}

func receiverIsExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	kind := d.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if of, ok := kind.(*ast.IndexExpr); ok {
		kind = of.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}

func undocumentedSpec(spec ast.Spec, whole bool) []string {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && !whole {
			return []string{s.Name.Name}
		}
	case *ast.ValueSpec:
		if whole || s.Doc != nil || s.Comment != nil {
			return nil
		}
		var names []string
		for _, n := range s.Names {
			if n.IsExported() {
				names = append(names, n.Name)
			}
		}
		return names
	}
	return nil
}

// mayImport says which parts of the tree each part may know; the root is "".
// ARCHITECTURE.md has the same map for people.
var mayImport = map[string][]string{
	"":         {},
	"cmd":      {"cli"},
	"show":     {""},
	"demo":     {},
	"expr":     {""},
	"plan":     {"", "expr", "schedule", "show"},
	"schedule": {""},
	"session":  {"", "expr"},
	"stats":    {""},
	"store":    {},
	"engine":   {"", "schedule", "session", "stats"},
	"job":      {"", "stats", "schedule", "link", "place", "outbox"},
	"place":    {"", "schedule", "link"},
	"route":    {""},
	"member":   {""},
	"prepare":  {"", "schedule", "session", "engine", "stats"},
	"process":  {"", "link", "schedule", "session", "stats", "engine", "prepare", "spec"},
	"spec":     {"", "schedule", "session"},
	"tier":     {"", "child", "doors", "stats", "job", "link", "place", "route", "own", "store", "rpc", "spec", "member", "mailbox", "report", "reporter"},
	"local":    {"", "plan", "expr", "schedule", "session", "engine", "stats", "job", "prepare"},
	"report":   {"", "stats", "show"},
	"reporter": {"", "stats", "report", "mailbox"},
	"tui":      {"", "stats", "show"},
	"link":     {""},
	"own":      {"", "store"},
	"rpc":      {"", "link"},
	"station":  {"", "link", "stats", "member", "own", "rpc", "store", "tier", "ops", "reporter"},
	"manager":  {"member", "rpc", "station", "tier", "child", "doors"},
	"gate":     {"member", "own", "rpc", "station"},
	"client":   {"", "link", "rpc"},
	"worker":   {"", "link", "schedule", "stats", "engine", "process", "spec", "rpc", "demo", "ops", "mailbox", "outbox", "doors", "child"},
	"doors":    {"", "link", "rpc", "mailbox"},
	"child":    {"", "link"},
	"mailbox":  {},
	"testkit":  {},
	"sim":      {"", "stats", "schedule", "job", "link", "place", "own", "store", "tier", "worker", "spec"},
	"ops":      {},
	"outbox":   {"", "link", "stats"},
	"cli":      {"", "plan", "expr", "schedule", "session", "engine", "stats", "job", "local", "report", "reporter", "tui", "demo", "show", "process", "client", "link", "station", "manager", "gate", "rpc", "spec", "worker", "ops", "member", "store", "own"},
}

func TestImportsFollowTheMap(t *testing.T) {
	for _, s := range sources(t) {
		allowed, known := mayImport[s.part()]
		if !known && s.part() != "bench" && s.part() != "test" {
			t.Errorf("%s: the map says nothing of package %q", s.path, s.part())
		}
		if !known || s.isTest() {
			continue
		}
		for _, spec := range s.file.Imports {
			imported, ours := ourPart(strings.Trim(spec.Path.Value, `"`))
			if ours && imported != s.part() && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s: %q may not know %q", s.path, spec.Path.Value, s.part(), imported)
			}
		}
	}
}

func ourPart(importPath string) (part string, ours bool) {
	if importPath == "hyperscale" {
		return "", true
	}
	below, ours := strings.CutPrefix(importPath, "hyperscale/")
	return partOf(below), ours
}

func TestTheRootKnowsOnlyTheStandardLibrary(t *testing.T) {
	for _, s := range sources(t) {
		if s.part() != "" || s.isTest() {
			continue
		}
		for _, spec := range s.file.Imports {
			if first, _, _ := strings.Cut(spec.Path.Value, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s", s.path, spec.Path.Value)
			}
		}
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: an init function", s.set.Position(f.Pos()))
			}
		}
	}
}

// Within testing/synctest a sleep takes no time.
func TestNoTestSleeps(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if !s.isTest() || calls(decl, "synctest", "Test") {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if isSelector(n, "time", "Sleep") {
					t.Errorf("%s: time.Sleep; let testing/synctest or a channel tell the time", s.set.Position(n.Pos()))
				}
				return true
			})
		}
	}
}

// calls reports whether anything below n names pkg.name.
func calls(n ast.Node, pkg, name string) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		found = found || isSelector(n, pkg, name)
		return !found
	})
	return found
}

func isSelector(n ast.Node, pkg, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// Nothing unfinished is committed, and no package is named for nothing.
func TestNothingIsLeftForLater(t *testing.T) {
	marks := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:"}
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, mark := range marks {
				if strings.Contains(group.Text(), mark) {
					t.Errorf("%s: a comment says %q", s.set.Position(group.Pos()), mark)
				}
			}
		}
	}
	for dir := range packages(t) {
		if name := path.Base(dir); slices.Contains([]string{"util", "utils", "common", "types", "shared", "helpers"}, name) {
			t.Errorf("%s is named for nothing that it gives", dir)
		}
	}
}

func packages(t *testing.T) map[string]bool {
	all := make(map[string]bool)
	for _, s := range sources(t) {
		all[path.Dir(s.path)] = true
	}
	return all
}

// The bounds beyond which a part has a second one inside it.
const (
	longestFunction = 80  // lines
	longestFile     = 700 // lines
	widestStruct    = 15  // fields
	mostMethods     = 25
)

// outgrown are the types beyond these bounds: what they had when they were
// written down. They may shrink; nothing may join them without a reason here.
// Most are the one state of a parser or a pure state machine, cut into small
// steps that no one else calls.
var outgrown = map[string]struct{ fields, methods int }{
	"internal/engine/epoll.Driver":     {methods: 38},
	"internal/engine/http1.Parser":     {fields: 17, methods: 36},
	"internal/engine/portable.call":    {fields: 16},
	"internal/engine/portable/h2.Conn": {fields: 17, methods: 33},
	"internal/expr.cursor":             {methods: 44},
	"internal/job.Job":                 {methods: 42},
	"internal/cli.app":                 {methods: 50},
	"internal/job/owner.Owner":         {methods: 97},
	"internal/job/owner.desk":          {fields: 16},
	"internal/job/owner.lost":          {fields: 16},
	"internal/report.Summary":          {fields: 16}, // as flat as its JSON
	"internal/stats.Result":            {fields: 16},
	"internal/link.Order":              {fields: 16},
	"internal/link.Held":               {fields: 16}, // what is said of one hold, as flat as on the wire
	"internal/store/etcdstore.Node":    {methods: 31},
	"internal/tier/node.Node":          {methods: 32},
	"internal/tier/node.kid":           {fields: 17},
	"internal/session.Session":         {fields: 18},
	"internal/session.node":            {fields: 16},
	"internal/session.turn":            {methods: 43},
}

func TestNothingGrowsBeyondMeasure(t *testing.T) {
	methods, fields := make(map[string]int), make(map[string]int)
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		if n := s.set.Position(s.file.End()).Line; n > longestFile {
			t.Errorf("%s has %d lines", s.path, n)
		}
		for _, decl := range s.file.Decls {
			measure(t, s, decl, methods, fields)
		}
	}
	for name, n := range methods {
		if n > max(mostMethods, outgrown[name].methods) {
			t.Errorf("%s has %d methods", name, n)
		}
	}
	for name, n := range fields {
		if n > max(widestStruct, outgrown[name].fields) {
			t.Errorf("%s has %d fields", name, n)
		}
	}
}

func measure(t *testing.T, s source, decl ast.Decl, methods, fields map[string]int) {
	dir := path.Dir(s.path)
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if lines := s.set.Position(d.End()).Line - s.set.Position(d.Pos()).Line + 1; lines > longestFunction {
			t.Errorf("%s: %s has %d lines", s.set.Position(d.Pos()), d.Name.Name, lines)
		}
		if d.Recv != nil {
			methods[dir+"."+typeName(d.Recv.List[0].Type)]++
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if named, ok := spec.(*ast.TypeSpec); ok {
				if body, ok := named.Type.(*ast.StructType); ok {
					fields[dir+"."+named.Name.Name] = body.Fields.NumFields()
				}
			}
		}
	}
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// Every dependency that go.mod asks for directly has its line among the
// decisions: what it saves us and what was refused.
func TestEveryDependencyWasDecided(t *testing.T) {
	decisions, err := os.ReadFile("../doc/adr/0002-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]string)
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") && s.part() != "bench" {
				used[name] = s.path
			}
		}
	}
	for name, where := range used {
		if !namesModule(string(decisions), name) {
			t.Errorf("%s imports %s, of which doc/adr/0002-dependencies.md says nothing", where, name)
		}
	}
}

// namesModule reports whether the text names a module that holds the package.
func namesModule(text, pkg string) bool {
	for module := pkg; strings.Contains(module, "/"); module = path.Dir(module) {
		if strings.Contains(text, "`"+module+"`") {
			return true
		}
	}
	return false
}

// The map for people says what the map of this test says.
func TestArchitectureHasTheSameMap(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			rows[strings.Trim(strings.TrimSpace(cells[1]), "`")] = strings.TrimSpace(cells[3])
		}
	}
	for part, may := range mayImport {
		name := map[string]string{"": "hyperscale` (root)", "cmd": "cmd/hyperscale"}[part]
		if name == "" {
			name = "internal/" + part
		}
		if said := rows[name]; part != "cli" && said != mapCell(may) {
			t.Errorf("ARCHITECTURE.md lets %s import %q, the test %q", name, said, mapCell(may))
		}
	}
}

// mapCell is a list of parts as ARCHITECTURE.md writes it.
func mapCell(parts []string) string {
	var names []string
	for _, p := range parts {
		if p == "" {
			p = "root"
		}
		names = append(names, p)
	}
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, ", ")
}

// What is generated and committed is what the generator makes today.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	committed, err := os.ReadFile("../doc/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, plan.Schema()) {
		t.Error("doc/plan.schema.json is old: go run ./cmd/hyperscale schema > doc/plan.schema.json")
	}
}

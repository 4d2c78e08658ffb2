package plan_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hyperscale/internal/plan"
)

func TestScaffoldIsAPlan(t *testing.T) {
	p := read(t, string(plan.Scaffold()))
	if p.Target != plan.DemoTarget || len(p.Workflows) < 2 || len(p.Thresholds) == 0 {
		t.Errorf("a scaffold with target %q, %d workflows, %d thresholds", p.Target, len(p.Workflows), len(p.Thresholds))
	}
}

func TestExamplesArePlans(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		l, err := plan.ReadFile(file, plan.Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if l.Plan.Target != plan.DemoTarget {
			t.Errorf("%s: its target is %q", file, l.Plan.Target)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// around is what makes a whole plan of the kinds of fragments that documents
// show: the word behind ```yaml, with %s in place of the fragment.
var around = map[string]string{
	"": "%s",
	"plan": `
%s
workflows:
  main:
    load: {vus: 1, for: 1s}
    steps:
      - name: home
        get: http://localhost/
`,
	"workflows": `
target: http://localhost
data: {users: {csv: users.csv}}
workflows:
%s
`,
	"load": `
target: http://localhost
workflows:
  main:
    load:
%s
    steps:
      - get: /
`,
	"steps": `
target: http://localhost
data: {users: {csv: users.csv}}
workflows:
  main:
    load: {vus: 1, for: 1s}
    steps:
%s
`,
}

// indented is how far a fragment stands to the right.
var indented = map[string]int{"workflows": 2, "load": 6, "steps": 6}

func TestDocumentedPlans(t *testing.T) {
	const document = "../../doc/writing-plans.md"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	dir, found := besidePlans(t), 0
	for _, block := range fenced(string(text)) {
		frame, known := around[block.kind]
		if !known {
			t.Errorf("%s:%d: a block of the unknown kind %q", document, block.line, block.kind)
			continue
		}
		found++
		body := strings.Repeat(" ", indented[block.kind])
		body += strings.ReplaceAll(strings.TrimSpace(block.text), "\n", "\n"+body)
		whole := strings.Replace(frame, "%s", body, 1)
		l, err := plan.Read("block.yaml", strings.NewReader(whole), plan.Options{Dir: dir})
		if err != nil {
			t.Errorf("%s:%d: %v\n%s", document, block.line, err, whole)
			continue
		}
		_ = l.Close() // only read
	}
	if found < 25 {
		t.Errorf("only %d blocks were found", found)
	}
}

// fence is a block of YAML in a document.
type fence struct {
	kind, text string
	line       int
}

// fenced finds the blocks that begin with ```yaml.
func fenced(document string) (all []fence) {
	var open *fence
	for i, line := range strings.Split(document, "\n") {
		kind, begins := strings.CutPrefix(line, "```yaml")
		switch {
		case open == nil && begins:
			open = &fence{kind: strings.TrimSpace(kind), line: i + 1}
		case open != nil && line == "```":
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return all
}

func TestEveryKeyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../doc/writing-plans.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range schemaKeys(t) {
		if !strings.Contains(string(text), key+":") && !strings.Contains(string(text), "`"+key+"`") {
			t.Errorf("doc/writing-plans.md says nothing of %q", key)
		}
	}
}

// schemaKeys are the keys that a plan may have, at any depth.
func schemaKeys(t *testing.T) []string {
	t.Helper()
	var schema any
	if err := json.Unmarshal(plan.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	var keys []string
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				visit(item)
			}
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok {
				for key := range properties {
					keys = append(keys, key)
				}
			}
			for _, item := range v {
				visit(item)
			}
		}
	}
	visit(schema)
	if len(keys) < 80 {
		t.Fatalf("the schema has only %d keys", len(keys))
	}
	return keys
}

// besidePlans is a folder with the files that documented plans name.
func besidePlans(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	users, err := os.ReadFile("../../examples/users.csv")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"users.csv":   users,
		"cities.json": []byte(`[{"name": "Berlin"}, {"name": "Lagos"}]`),
		"picture.png": []byte("no real picture"),
		"ca.pem":      pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		"client.pem":  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		"client.key":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

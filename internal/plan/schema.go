package plan

import "hyperscale/internal/plan/yamlfile"

// Schema is the JSON Schema (draft 2020-12) of plans, for editors. It is made
// from the same types that plans are read with. What it takes the reader may
// still refuse: names, files and whether loads can be are not in it.
func Schema() []byte {
	return yamlfile.JSONSchema(planFile{}, "https://hyperscale.invalid/plan.schema.json", "Hyperscale plan")
}

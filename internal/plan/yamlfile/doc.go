// Package yamlfile reads YAML files into Go structs, strictly and with the place
// of everything in them, and describes the same structs as a JSON Schema.
//
// A file is first parsed to a tree of [Node]s, within limits that hold for any
// input. The tree is then decoded by reflection into "file types": structs whose
// fields carry the key in a yaml tag and an explanation in a doc tag. All faults
// are collected; none ends the reading of the rest.
package yamlfile

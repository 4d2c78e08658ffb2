package plan

import _ "embed" // for the text below

//go:embed scaffold.yaml
var scaffold string

// Scaffold is a plan with comments, to be written to a new file and changed
// there. The reader takes it as it is.
func Scaffold() []byte { return []byte(scaffold) }

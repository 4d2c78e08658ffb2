// Package plan reads, checks and explains plans.
//
// A plan comes from a file, from standard input or from the flags of a quick
// run, always as YAML text and always through the same reader, which gives
// either a complete [hyperscale.Plan] or every fault with its place. Nothing
// that the reader gives still depends on the file: defaults are merged into the
// steps, overrides by flags are applied, environment variables and the files of
// bodies and certificates are read, data files are indexed.
package plan

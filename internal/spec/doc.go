// Package spec is what travels of a test: a submission, which is the complete
// plan with the rows of its data sets, and a brief, which is what one engine
// needs to run one share of one workflow. Both are deterministic bytes with a
// version in front; what comes back out of bytes is checked and bounded, so that
// they may come from anywhere.
package spec

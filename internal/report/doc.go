// Package report turns what a run came to ([stats.Result]) into what is kept
// and read: the summary as JSON and as text, and the outputs that are asked for
// with -o.
//
// A [Summary] holds every number once, already selected and named; the text is
// made from it alone, so text and JSON cannot disagree. Outputs are an open
// list: a new format is one entry in [Formats].
package report

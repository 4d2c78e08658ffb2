// Package tui is what people watch while a run goes on: a live view in a
// terminal, plain lines anywhere else. Both are made by pure functions from
// [stats.Progress]; the shell around them only prints.
package tui

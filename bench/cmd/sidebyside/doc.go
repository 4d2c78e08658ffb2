//go:build linux

// Sidebyside runs load generators alternately against one target, each pinned
// to its core, and prints what a request cost each of them. It is started by
// bench/engine.sh, which builds or installs everything that it needs.
//
// A scenario ([closed], [realistic], [tls], [open], [stall], [memory], [soak])
// shows one of the engine's goals. What is compared is taken from outside the
// tools: the CPU of the whole process from the kernel's accounting, and the
// requests from the target's own hit count. Only where a figure can be had from
// nobody else (response times, lateness) is a tool believed. Ratios are formed
// within a round, between runs that are seconds apart, and then the median over
// the rounds is taken, since a machine's mood shifts all of them together.
//
// Nothing here asserts a timing; a goal that is missed is printed as missed.
package main

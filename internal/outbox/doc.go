// Package outbox keeps the windows of one turn until whoever they are for has
// acknowledged them. A worker keeps so what its engines told, for the owner of the
// job; the owner of a job that has a parent keeps so what it made of its children's
// windows. It is pure.
//
// # Frozen
//
// Nobody knows what became of a window that was handed on, so it never changes
// again: whoever gets one of that number gets the same. What is not frozen may be
// merged with its neighbour, which makes it coarser in time and loses nothing.
package outbox

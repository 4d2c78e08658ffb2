// Package session is a virtual user as a pure state machine: it is told what
// happened and answers what to do next. It knows templates, conditions,
// captures, checks, cookies and redirects, and neither sockets nor clocks, so
// that every driver runs the same sessions and each branch can be tested by
// feeding it events.
package session

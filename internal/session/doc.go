// Package session is a virtual user as a pure state machine: it is told what
// happened and answers what to do next. It knows templates, conditions,
// captures, checks, cookies and redirects, and neither sockets nor clocks, so
// that every driver runs the same sessions and each branch can be tested by
// feeding it events.
//
// A [Program] is a workflow, compiled; a [Session] is one virtual user of it.
// What can be known before the start is known then: a request whose parts are
// constant is written once and shared. An iteration goes from the steps that
// need nothing to those that need them; each step is due when the last of what
// it needs ended, a pause ending as planned and not when it was noticed.
//
// What a value does where it goes:
//
//   - In a URL it stands as it is; what cannot stand there (spaces, quotes,
//     letters beyond ASCII) is escaped as browsers do, a fragment is left out. In
//     params and form everything is escaped, in json what must be.
//   - A control character in a URL, a header, a cookie or auth is refused: the
//     step fails with bad value NAME and nothing is sent. So no value of a target
//     can add a line to a request.
//
// How an answer is judged: its body first (too large, malformed encoding), then
// redirects, status, checks, captures. The first cause is the request's fault;
// checks are all counted and captures all tried. A capture that finds nothing and
// has no default leaves its variable without a value.
package session

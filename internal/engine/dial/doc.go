// Package dial is what the drivers share before a connection is open: the
// addresses of names, the settings of TLS, and the kinds of what can go wrong.
//
// # Names
//
// [Names] looks names up in the background; a lane that asks never waits. All
// addresses of a name are used in turn, each lane beginning at another one,
// those of a family without a route left out. A name is looked up before the
// start, and while it is in use every 60 s; one that was not found again after
// 5 s. When looking up again fails the known addresses stay.
//
// Of a name that means this machine in both families, as localhost does, only
// the addresses where something listens are used: most servers listen in one
// family, and taking the addresses in turn would have every second connection
// refused. To find out, one connection is opened and closed for each address
// when the name is first looked up, and when its addresses change. This is the
// one thing that a run does on the target beside the plan's requests.
//
// # TLS
//
// Sessions are not resumed: every connection pays for a full handshake, as a
// user's first one does. A cache would have to be shared by virtual users that
// are different people, flatter the target, and make the cost of a connection
// depend on how long ago the last one was made.
package dial

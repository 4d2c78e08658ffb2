// Package bundle makes one child of a datacenter out of its managers, for a gate: what
// they state, deliver and miss becomes what the datacenter does, as
// [hyperscale/internal/tier/node] knows children; and what is said to the datacenter
// goes to the manager that it is for. It is pure, and of the goroutine of the gate's
// node, between whose door and whose state it stands: [Bundle.In] is what comes,
// [Bundle.Out] what goes.
//
// # Who speaks for a job
//
// Of the managers of a datacenter one owns a job, and states what the datacenter holds
// of it. What was stated stays so until another states the job under a tenure that is
// no lower, or one says that the job is over there: that the datacenter's owner of a
// job changes is no loss, and nobody who was replaced and does not know it yet counts.
//
// # A datacenter does not die
//
// Its managers may all be gone, and its workers go on. So the end of a manager's stream
// is never told: a datacenter of which nobody is heard has fallen silent.
//
// # What the router hears
//
// How its managers stand, how far they are and what its placer says is known here, and
// is told to the node as [node.Surveyed].
package bundle

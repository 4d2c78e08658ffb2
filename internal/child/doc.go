// Package child is the side of a node that looks up to parents, as plain code: a
// worker to the managers of its datacenter, a manager to the gates. What both do
// alike is here once: which parents are linked and when each is told what there is
// ([Parents], [Clock]), and who owns a job, by which way it is reached and when its
// top owner was last heard ([Claim]). A worker's agent is made of these.
//
// A [Manager] is all of a manager as a child of gates. It is a pure state machine: it
// reads no clock and calls nobody. Between gates and the owners of jobs here it stands
// so:
//
//	gate  ─ Order ─▶ Told → Ordered ─▶ owner here, or whoever begins the job here
//	gate  ◀─ Statement ─ Tell ← Holds ◀─ owner here
//	gate  ◀─ Delivery ─ Tell ← Deliver ◀─ owner here, by the way that Route told
//	gate  ─ Receipt ─▶ Told → Receipted ─▶ owner here
//	gate  ─ Word ─▶ Told → Route, Word ─▶ owner here, and what its workers are told
//
// # Jobs that are not owned here
//
// A gate reaches a datacenter through any of its managers, and may not know yet which
// of them owns a job. What comes of an order for a job that is not owned here:
//
//	Prepare     Ordered: the job is begun here, or is found to be there already.
//	            Then Holds comes, or Ended, or nothing: the gate asks again
//	any other   Look: is it over, or was it never here? The shell reads that from the
//	            store and answers with Looked. If it is over, it is stated so; else
//	            another manager of the datacenter owns it, and states it
//
// Until an answer comes the epoch that was heard is kept, so that lower ones are
// fenced; without one it is forgotten after 5 s. What is over is stated for 30 s: a
// gate that did not hear it gives an order again, and is told again.
package child

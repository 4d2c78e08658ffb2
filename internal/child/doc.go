// Package child is the side of a node that looks up to parents, as plain code: a
// worker to the managers of its datacenter, a manager to the gates. What both do
// alike is here once: which parents are linked and when each is told what there is
// ([Parents], [Clock]), and who owns a job, by which way it is reached and when its
// top owner was last heard ([Claim]).
package child

// Package worker is a load-generating node: the shell around its decisions,
// which are package agent. It starts engines as processes of their own, keeps up
// links to the managers of its datacenter, and performs what the agent wants.
//
//	managers ⇄ doors → mailbox → shell: agent.Step → engines (processes)
//
// One goroutine owns the agent, what is known of engines and of managers. All
// others bring it events through its mailbox, and never wait for it: load does not
// wait for managers, nor the agent for either.
package worker

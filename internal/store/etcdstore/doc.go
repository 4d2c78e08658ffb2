// Package etcdstore is a store on etcd, embedded in this process or anywhere.
//
// [Node] is one member of an embedded cluster: it listens to the other members
// only, and its own process speaks to it without a socket. [Dial] reaches an etcd
// that someone else runs. Both give a [Store], through which all goes the same
// way; only features that an etcd has by default are used, below a prefix.
//
// A cluster begins once, from members that are all known to be empty and are
// given the same [Config.Initial]. Whoever comes later, also a member that lost
// its directory, is let in by one that is there ([Node.Invite]): as a learner
// under a new identity, which becomes a voter when it has caught up.
package etcdstore

// Package gossip finds and watches the members of a tier with memberlist: SWIM
// with Lifeguard over UDP, with TCP for what does not fit and for second
// opinions.
//
// The name under which a node gossips is its id with its boot number, so a
// restart is another member, and nothing said of the one before is taken for it.
// Groups with different labels, or without a key in common, do not hear each
// other. Gossip is a hint and authorises nothing.
package gossip

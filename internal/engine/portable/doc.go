// Package portable is the driver that runs everywhere, and carries what the fast
// one does not: HTTP/2 and requests through a proxy. Each connection is a
// [net.Conn] with goroutines of its own.
//
// All state of the driver belongs to the lane's thread. Goroutines of a
// connection know their connection and the calls on it; what they find out they
// post to the lane, which looks whether it still matters. So an exchange that was
// cancelled is never handed back, and none twice.
//
// Nothing is ever resent, by construction: the bytes of a request are taken from
// it once, by one goroutine, for one connection. There is no http.Transport, no
// http.Client and no pool of theirs here, hence no redirect, cookie, retry,
// compression or header that the plan did not ask for.
package portable

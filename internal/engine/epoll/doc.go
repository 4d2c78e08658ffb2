// Package epoll is the fast driver: HTTP/1.1, with and without TLS, over
// non-blocking sockets and one epoll instance per lane (Linux only). It calls
// the kernel directly: a request costs one send, one receive and its part of a
// wait, and nothing of ours is allocated for it.
package epoll

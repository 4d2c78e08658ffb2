/*
 * answer.h: what target answers; no sockets here.
 *
 *   GET /                   13 bytes of text, the answer of the speed benchmarks
 *   POST /login             200, sets the cookie "session"
 *   GET /products?page=N    200, JSON; items[0].id is "p-N"
 *   GET /products/ID        200, JSON with that id
 *   POST /cart              201, JSON; 401 without the cookie, 400 without a body
 *   GET /orders             200, JSON; 401 without the cookie
 *   GET /hits               how many requests were answered so far, itself not counted
 *   GET /connections        how many connections are open, the asker's included; not counted
 *   anything else           404; methods other than GET and POST: 405 and close
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum {
	REQUEST_MAX = 64 * 1024, /* a request, its body included, is never longer */
	ANSWER_MAX = 1024,       /* nor is an answer */
};

struct counts {
	unsigned long hits;        /* requests answered, but for /hits and /connections */
	unsigned long connections; /* open now */
};

struct answer {
	char *to;   /* where it is written; ANSWER_MAX bytes are free there */
	size_t len; /* how long it became */
	bool close; /* the connection ends after it */
};

/*
 * Answers the request at the start of in. Returns how many bytes the request
 * took, or 0 if it has not come whole, and then nothing is written. What can
 * never become a request takes all of in, is answered with 400, and ends the
 * connection.
 */
size_t answer_request(const char *in, size_t len, struct counts *counts, struct answer *a);

#endif

#define _GNU_SOURCE
#include "answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What matters of a request's head. */
struct head {
	size_t len;       /* with the empty line */
	size_t body;      /* the body's length */
	const char *path; /* with the query; path_len bytes */
	size_t path_len;
	bool get, post;
	bool close;    /* the client wants no other answer on this connection */
	bool session;  /* the cookie came back */
	bool bad;      /* not a request that is understood here */
};

/* ab speaks HTTP/1.0 and keeps a connection only if the answer says so; the
 * others do not mind. */
static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n"
			    "Content-Length: 13\r\n\r\nHello, World!";
static const char hello_close[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
				  "Content-Length: 13\r\n\r\nHello, World!";

static bool has_prefix(const char *s, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);
	return len >= n && memcmp(s, prefix, n) == 0;
}

static bool is_header(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);
	return len > n && line[n] == ':' && strncasecmp(line, name, n) == 0;
}

static bool contains(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);
	for (; len >= n; line++, len--)
		if (strncasecmp(line, word, n) == 0)
			return true;
	return false;
}

/* Takes from one header line what matters. Only names that begin with a c or
 * a t do, so most lines cost one comparison. */
static void read_header(const char *line, size_t len, struct head *h)
{
	char first = *line | 0x20;
	if (first != 'c' && first != 't')
		return;
	if (is_header(line, len, "content-length")) {
		char *end;
		h->body = strtoul(line + 15, &end, 10);
		h->bad |= *end != '\r' || h->body > REQUEST_MAX;
	} else if (is_header(line, len, "connection")) {
		if (contains(line, len, "close"))
			h->close = true;
		else if (contains(line, len, "keep-alive"))
			h->close = false;
	} else if (is_header(line, len, "cookie")) {
		h->session |= contains(line, len, "session=");
	} else if (is_header(line, len, "transfer-encoding")) {
		h->bad = true;
	}
}

/* Reads "GET /path HTTP/1.1"; line ends before the \r. */
static void read_request_line(const char *line, const char *end, struct head *h)
{
	const char *space = memchr(line, ' ', end - line);
	const char *version = end - 8; /* "HTTP/1.1" */
	if (!space || end - space < 11 || memcmp(version, "HTTP/1.", 7) != 0 || version[-1] != ' ') {
		h->bad = true;
		return;
	}
	h->get = has_prefix(line, end - line, "GET ");
	h->post = has_prefix(line, end - line, "POST ");
	h->path = space + 1;
	h->path_len = version - 1 - h->path;
	h->close = version[7] == '0'; /* until a header says otherwise */
}

/* Reads a head; false if it has not come whole. */
static bool read_head(const char *in, size_t len, struct head *h)
{
	const char *end = memmem(in, len, "\r\n\r\n", 4);
	if (!end)
		return false;
	end += 2;
	const char *line = (const char *)memchr(in, '\n', end - in) + 1;
	read_request_line(in, line - 2 > in ? line - 2 : in, h);
	while (line < end) {
		const char *next = (const char *)memchr(line, '\n', end - line) + 1;
		read_header(line, next - line, h);
		line = next;
	}
	h->len = end + 2 - in;
	return true;
}

static void put_json(struct answer *a, const char *status, const char *extra, const char *body)
{
	a->len = snprintf(a->to, ANSWER_MAX,
			  "HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: %s\r\n%sContent-Length: %zu\r\n\r\n%s",
			  status, a->close ? "close" : "keep-alive", extra, strlen(body), body);
}

static void put_number(struct answer *a, unsigned long n)
{
	char body[32];
	snprintf(body, sizeof body, "%lu\n", n);
	put_json(a, "200 OK", "", body);
}

/* A page of products: the first one is named after the page, so that a client
 * which captures it goes on to a product of its own. */
static void put_page(struct answer *a, unsigned long page)
{
	char body[600];
	int n = snprintf(body, sizeof body, "{\"page\":%lu,\"items\":[", page);
	for (unsigned long i = 0; i < 5; i++)
		n += snprintf(body + n, sizeof body - n, "%s{\"id\":\"p-%lu\",\"name\":\"Product %lu\",\"price\":%lu.50}",
			      i ? "," : "", page + i, page + i, 10 + i);
	snprintf(body + n, sizeof body - n, "]}");
	put_json(a, "200 OK", "", body);
}

static void put_product(struct answer *a, const char *id, size_t len)
{
	char body[200];
	for (size_t i = 0; i < len; i++)
		if (len > 32 || (!isalnum((unsigned char)id[i]) && id[i] != '-')) {
			put_json(a, "404 Not Found", "", "{\"error\":\"no such product\"}");
			return;
		}
	snprintf(body, sizeof body, "{\"id\":\"%.*s\",\"name\":\"A product\",\"availability\":\"in stock\"}", (int)len, id);
	put_json(a, "200 OK", "", body);
}

/* The paths of the realistic plan. False: there is no such path. */
static bool put_shop(const struct head *h, struct answer *a, unsigned long hits)
{
	const char *path = h->path;
	size_t len = h->path_len;
	char cookie[96];

	if (h->post && has_prefix(path, len, "/login")) {
		snprintf(cookie, sizeof cookie, "Set-Cookie: session=s-%lu; Path=/; HttpOnly\r\n", hits);
		put_json(a, "200 OK", cookie, "{\"ok\":true}");
	} else if (h->get && has_prefix(path, len, "/products?page=")) {
		put_page(a, strtoul(path + 15, NULL, 10) % 1000000);
	} else if (h->get && has_prefix(path, len, "/products/")) {
		put_product(a, path + 10, len - 10);
	} else if (!has_prefix(path, len, "/cart") && !has_prefix(path, len, "/orders")) {
		return false;
	} else if (!h->session) {
		put_json(a, "401 Unauthorized", "", "{\"error\":\"no session\"}");
	} else if (h->get) {
		put_json(a, "200 OK", "", "{\"orders\":[{\"id\":\"o-1\",\"state\":\"sent\"}]}");
	} else if (h->body == 0) {
		put_json(a, "400 Bad Request", "", "{\"error\":\"an empty cart\"}");
	} else {
		put_json(a, "201 Created", "", "{\"ok\":true}");
	}
	return true;
}

static void put_hello(const struct head *h, struct counts *counts, struct answer *a)
{
	counts->hits++;
	a->close = h->close;
	a->len = h->close ? sizeof hello_close - 1 : sizeof hello - 1;
	memcpy(a->to, h->close ? hello_close : hello, a->len);
}

static void put_answer(const struct head *h, struct counts *counts, struct answer *a)
{
	a->close = h->close;
	if (h->get && has_prefix(h->path, h->path_len, "/hits")) {
		put_number(a, counts->hits);
		return;
	}
	if (h->get && has_prefix(h->path, h->path_len, "/connections")) {
		put_number(a, counts->connections);
		return;
	}
	counts->hits++;
	if (!h->get && !h->post) {
		a->close = true;
		put_json(a, "405 Method Not Allowed", "", "{\"error\":\"GET and POST only\"}");
	} else if (!put_shop(h, a, counts->hits)) {
		put_json(a, "404 Not Found", "", "{\"error\":\"no such path\"}");
	}
}

size_t answer_request(const char *in, size_t len, struct counts *counts, struct answer *a)
{
	struct head h = { 0 };
	bool whole = read_head(in, len, &h);
	if (!h.bad && (!whole || len < h.len + h.body) && len < REQUEST_MAX)
		return 0;
	if (h.bad || !whole || len < h.len + h.body) {
		a->close = true;
		put_json(a, "400 Bad Request", "", "{\"error\":\"not understood\"}");
		return len;
	}
	if (h.get && h.path_len == 1)
		put_hello(&h, counts, a);
	else
		put_answer(&h, counts, a);
	return h.len + h.body;
}

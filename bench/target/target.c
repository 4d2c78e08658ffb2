/*
 * target: the server that the benchmarks load.
 *
 * HTTP/1.1 over epoll on one thread, as lean as it can be and still right:
 * keep-alive, pipelining, requests that come in pieces, sockets that will not
 * take an answer at once. What it answers is in answer.h. It counts its hits;
 * that count, not a client's own, is what the benchmarks go by.
 *
 *   target --port 18080 [--first 1] [--addresses 1] [--stall] [--for 3600]
 *   target-tls … --cert FILE --key FILE
 *
 * --first K --addresses N   listens on 127.0.0.K … 127.0.0.(K+N-1), for more
 *                           connections than one address has ports for
 * --stall                   does nothing for 1 s, 4.5 s after the first hit and
 *                           then every 10 s
 * --for S                   ends by itself after S seconds
 *
 * On SIGTERM, SIGINT or after --for it prints, one a line, the stalls
 * ("stall FROM TO", seconds since the first hit) and "hits N", and exits 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "answer.h"
#ifdef TARGET_TLS
#include "io_tls.h"
#else
#include "io_plain.h"
#endif

enum {
	EVENTS = 512,
	OUTPUT = 256 * 1024,
};

static const uint64_t LISTENER = 1ull << 32; /* marks a listening socket in an event */
static const double STALL_FIRST = 4.5, STALL_EVERY = 10, STALL_LENGTH = 1;

/* A connection holds memory only while something is unfinished. While answers
 * wait to be written nothing more is read. */
struct conn {
	struct io io;
	char *in;       /* bytes that are not yet a whole request */
	char *out;      /* answers that the socket did not take */
	uint32_t in_len;
	uint32_t out_off, out_len;
	bool closing;   /* ends once everything is written */
};

struct options {
	int port, first, addresses, lifetime;
	bool stall;
	const char *cert, *key;
};

static struct conn *conns; /* by descriptor */
static rlim_t conns_max;
static int epoll;
static struct counts counts;
static char input[REQUEST_MAX];
static char output[OUTPUT];
static volatile sig_atomic_t stopping;

static void die(const char *doing)
{
	fprintf(stderr, "target: %s: %s\n", doing, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void watch(int op, int fd, uint32_t what)
{
	struct epoll_event e = { .events = what, .data.u64 = (uint64_t)fd };
	if (epoll_ctl(epoll, op, fd, &e) < 0)
		die("epoll_ctl");
}

static void end(int fd)
{
	struct conn *c = &conns[fd];
	free(c->in);
	free(c->out);
	io_close(&c->io); /* epoll forgets it by itself */
	memset(c, 0, sizeof *c);
	counts.connections--;
}

/* Keeps len bytes at *to, which held something else or nothing. */
static void keep(char **to, const char *from, size_t len)
{
	char *copy = NULL;
	if (len) {
		copy = malloc(len);
		if (!copy)
			die("malloc");
		memcpy(copy, from, len);
	}
	free(*to);
	*to = copy;
}

/* Writes len bytes or as many as the socket takes. Returns how many it took,
 * or IO_BROKEN. */
static ssize_t put(struct conn *c, const char *from, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = io_write(&c->io, from + done, len - done);
		if (n == IO_AGAIN)
			break;
		if (n <= 0)
			return IO_BROKEN;
		done += n;
	}
	return done;
}

/* Answers whole requests in from[0..len) into output until either is used up.
 * Returns how many bytes of from were used. */
static size_t fill(struct conn *c, const char *from, size_t len, size_t *filled)
{
	size_t used = 0;
	while (used < len && !c->closing && *filled + ANSWER_MAX <= OUTPUT) {
		struct answer a = { .to = output + *filled };
		size_t n = answer_request(from + used, len - used, &counts, &a);
		if (n == 0)
			break;
		used += n;
		*filled += a.len;
		c->closing = a.close;
	}
	return used;
}

/* Answers all requests in from[0..len), which may be c->in, and keeps what is
 * left. False: the connection is broken. */
static bool serve(int fd, const char *from, size_t len)
{
	struct conn *c = &conns[fd];
	size_t used = 0;
	while (!c->out) {
		size_t filled = 0;
		used += fill(c, from + used, len - used, &filled);
		if (filled == 0)
			break;
		ssize_t n = put(c, output, filled);
		if (n < 0)
			return false;
		if ((size_t)n < filled) {
			c->out_off = 0;
			c->out_len = filled - n;
			keep(&c->out, output + n, c->out_len);
			watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
		}
	}
	if (c->in || used < len)
		keep(&c->in, from + used, len - used);
	c->in_len = len - used;
	return true;
}

/* Says whether the connection has nothing left to do. */
static bool finished(struct conn *c) { return c->closing && !c->out; }

static void readable(int fd)
{
	struct conn *c = &conns[fd];
	do {
		if (c->in_len)
			memcpy(input, c->in, c->in_len);
		ssize_t n = io_read(&c->io, input + c->in_len, sizeof input - c->in_len);
		if (n == IO_AGAIN)
			return;
		if (n <= 0 || !serve(fd, input, c->in_len + n) || finished(c)) {
			end(fd);
			return;
		}
	} while (!c->out && io_pending(&c->io));
}

static void writable(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n = put(c, c->out + c->out_off, c->out_len);
	if (n < 0) {
		end(fd);
		return;
	}
	c->out_off += n;
	c->out_len -= n;
	if (c->out_len)
		return;
	keep(&c->out, NULL, 0);
	watch(EPOLL_CTL_MOD, fd, EPOLLIN);
	if (!serve(fd, c->in, c->in_len) || finished(c))
		end(fd);
	else if (!c->out && io_pending(&c->io))
		readable(fd);
}

static void accept_all(int listener)
{
	for (;;) {
		int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		if (fd < 0 || (rlim_t)fd >= conns_max)
			die("accept"); /* without descriptors no figure means anything */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		io_open(&conns[fd].io, fd);
		counts.connections++;
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

static void listen_on(uint32_t host, int port)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host) };
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = LISTENER | (uint64_t)fd };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		die("listen");
}

/* Stalls when it is time, and returns for how many milliseconds there is
 * nothing to do but serve; -1 is for ever. */
static int stall(void)
{
	static double first_hit, next;
	if (!counts.hits)
		return 10; /* the clock starts with the first hit */
	double t = now();
	if (!first_hit) {
		first_hit = t;
		next = t + STALL_FIRST;
	}
	if (t >= next) {
		struct timespec length = { .tv_sec = STALL_LENGTH };
		nanosleep(&length, NULL);
		printf("stall %.4f %.4f\n", t - first_hit, now() - first_hit);
		next += STALL_EVERY;
	}
	double left = next - now();
	return left > 0 ? (int)(left * 1000) + 1 : 0;
}

static void loop(bool stalls, const sigset_t *unblocked)
{
	struct epoll_event events[EVENTS];
	while (!stopping) {
		int n = epoll_pwait(epoll, events, EVENTS, stalls ? stall() : -1, unblocked);
		for (int i = 0; i < n; i++) {
			int fd = (int)(uint32_t)events[i].data.u64;
			if (events[i].data.u64 & LISTENER)
				accept_all(fd);
			else if (conns[fd].out)
				writable(fd);
			else
				readable(fd);
		}
	}
}

static void on_stop(int signal)
{
	(void)signal;
	stopping = 1;
}

/* Lets the stop signals through only while the loop waits, so that none comes
 * between a look at stopping and the wait. */
static void catch_stop(sigset_t *unblocked)
{
	int signals[] = { SIGTERM, SIGINT, SIGALRM };
	struct sigaction action = { .sa_handler = on_stop };
	sigset_t blocked;
	sigemptyset(&blocked);
	for (int i = 0; i < 3; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	for (int i = 0; i < 3; i++)
		sigdelset(unblocked, signals[i]);
}

static void make_room(void)
{
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	conns_max = files.rlim_max < 1 << 20 ? files.rlim_max : 1 << 20;
	conns = calloc(conns_max, sizeof *conns); /* pages that stay untouched cost nothing */
	if (!conns)
		die("calloc");
}

static struct options read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },      { "first", required_argument, NULL, 'f' },
		{ "addresses", required_argument, NULL, 'a' }, { "stall", no_argument, NULL, 's' },
		{ "for", required_argument, NULL, 't' },       { "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },       { NULL, 0, NULL, 0 },
	};
	struct options o = { .first = 1, .addresses = 1, .lifetime = 3600 };
	int option;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'p': o.port = atoi(optarg); break;
		case 'f': o.first = atoi(optarg); break;
		case 'a': o.addresses = atoi(optarg); break;
		case 's': o.stall = true; break;
		case 't': o.lifetime = atoi(optarg); break;
		case 'c': o.cert = optarg; break;
		case 'k': o.key = optarg; break;
		default: exit(2);
		}
	}
	if (o.port < 1 || o.first < 1 || o.addresses < 1 || o.first + o.addresses > 255 || o.lifetime < 1) {
		fprintf(stderr, "usage: target --port N [--first K] [--addresses N] [--stall] [--for SECONDS]"
				" [--cert FILE --key FILE]\n");
		exit(2);
	}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	sigset_t unblocked;

	make_room();
	io_setup(o.cert, o.key);
	catch_stop(&unblocked);
	alarm(o.lifetime);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < o.addresses; i++)
		listen_on(INADDR_LOOPBACK - 1 + o.first + i, o.port);
	loop(o.stall, &unblocked);
	printf("hits %lu\n", counts.hits);
	return 0;
}

/*
 * limit: the least that a load generator can cost on this kernel.
 *
 * A closed loop over epoll on one thread: N keep-alive connections to one
 * address, each with one request under way, for D seconds. It measures no
 * latency and checks of each answer only its length, which it learns from a
 * first exchange. What it costs per request is what the kernel charges; the
 * engine's cost is given as a multiple of it.
 *
 *   limit --port 18080 --connections 64 --seconds 5 [--host 127.0.0.1] [--path /]
 *
 * Prints one line of JSON: requests, seconds, rate, and the CPU of the whole
 * process per request in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512 };

static struct sockaddr_in address = { .sin_family = AF_INET };
static char request[1024];
static size_t request_len;
static size_t answer_len; /* every answer is as long as the first one */
static char buffer[64 * 1024];

static void die(const char *doing)
{
	fprintf(stderr, "limit: %s: %s\n", doing, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int open_connection(void)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("connect");
	return fd;
}

static void send_request(int fd)
{
	/* One request is under way per connection, so the socket's buffer is
	 * empty and takes it whole. */
	if (send(fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
		die("send");
}

/* Makes one exchange and learns from it how long an answer is. */
static void learn_answer(void)
{
	int fd = open_connection();
	size_t got = 0;
	char *body = NULL, *length;

	send_request(fd);
	while (!body) {
		ssize_t n = recv(fd, buffer + got, sizeof buffer - 1 - got, 0);
		if (n <= 0)
			die("first answer");
		buffer[got += n] = 0;
		body = strstr(buffer, "\r\n\r\n");
	}
	length = strcasestr(buffer, "\r\ncontent-length:");
	if (strncmp(buffer, "HTTP/1.1 200 ", 13) != 0 || !length || length > body) {
		fprintf(stderr, "limit: the first answer is not a 200 with a length\n");
		exit(1);
	}
	answer_len = body + 4 - buffer + strtoul(length + 17, NULL, 10);
	close(fd);
}

/* Opens the connections and puts a request on each. Edge-triggered: an event
 * comes once per arrival and the buffer is larger than any answer, so one
 * recv empties the socket. */
static int start(int connections, size_t **received)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	*received = calloc(connections + 64, sizeof **received);
	for (int i = 0; i < connections; i++) {
		int fd = open_connection();
		if (fd >= connections + 64) {
			fprintf(stderr, "limit: too many descriptors were open at the start\n");
			exit(1);
		}
		struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = fd };
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
			die("epoll_ctl");
		send_request(fd);
	}
	return epoll;
}

/* Runs the loop until the time is up and returns how many answers came. */
static unsigned long loop(int epoll, size_t *received, double until)
{
	struct epoll_event events[EVENTS];
	unsigned long answers = 0;

	while (now() < until) {
		int n = epoll_wait(epoll, events, EVENTS, 1000);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
			if (got < 0 && errno == EAGAIN)
				continue;
			if (got <= 0)
				die("recv");
			received[fd] += got;
			if (received[fd] < answer_len)
				continue;
			received[fd] = 0;
			answers++;
			send_request(fd);
		}
	}
	return answers;
}

static double seconds_of(struct timeval t) { return t.tv_sec + t.tv_usec * 1e-6; }

static void report(unsigned long answers, double seconds)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	double user = seconds_of(use.ru_utime), sys = seconds_of(use.ru_stime);
	double per = answers ? 1e6 / answers : 0;
	printf("{\"requests\": %lu, \"seconds\": %.3f, \"rate\": %.0f, "
	       "\"user_us\": %.3f, \"sys_us\": %.3f, \"cpu_us\": %.3f}\n",
	       answers, seconds, answers / seconds, user * per, sys * per, (user + sys) * per);
}

static void usage(void)
{
	fprintf(stderr, "usage: limit --port N [--host IPV4] [--path /] [--connections 64] [--seconds 5]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "host", required_argument, NULL, 'h' },   { "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },   { "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	const char *host = "127.0.0.1", *path = "/";
	int port = 0, connections = 64, option;
	double seconds = 5;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'h': host = optarg; break;
		case 'p': port = atoi(optarg); break;
		case 'u': path = optarg; break;
		case 'c': connections = atoi(optarg); break;
		case 'd': seconds = atof(optarg); break;
		default: usage();
		}
	}
	if (port <= 0 || connections <= 0 || seconds <= 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
		usage();
	address.sin_port = htons(port);
	request_len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n", path, host, port);
	if (request_len >= sizeof request)
		usage();

	learn_answer();
	size_t *received;
	int epoll = start(connections, &received);
	double began = now();
	unsigned long answers = loop(epoll, received, began + seconds);
	report(answers, now() - began);
	return 0;
}

/*
 * io_plain.h: how target moves bytes over a bare socket. io_tls.h has the same
 * five functions over TLS; which one is meant is settled when target is
 * compiled, so the plain server pays nothing for the other.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IO_AGAIN = -1, IO_BROKEN = -2 };

struct io {
	int fd;
};

static void io_setup(const char *cert, const char *key)
{
	(void)cert;
	(void)key;
}

static void io_open(struct io *io, int fd) { io->fd = fd; }

static void io_close(struct io *io) { close(io->fd); }

/* Returns how many bytes came, 0 at the end, IO_AGAIN or IO_BROKEN. */
static ssize_t io_read(struct io *io, char *to, size_t len)
{
	ssize_t n = recv(io->fd, to, len, 0);
	return n >= 0 ? n : errno == EAGAIN ? IO_AGAIN : IO_BROKEN;
}

/* Returns how many bytes went, IO_AGAIN or IO_BROKEN. */
static ssize_t io_write(struct io *io, const char *from, size_t len)
{
	ssize_t n = send(io->fd, from, len, MSG_NOSIGNAL);
	return n >= 0 ? n : errno == EAGAIN ? IO_AGAIN : IO_BROKEN;
}

/* Says whether bytes are waiting that epoll knows nothing of. */
static bool io_pending(struct io *io)
{
	(void)io;
	return false;
}

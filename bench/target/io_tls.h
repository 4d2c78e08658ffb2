/*
 * io_tls.h: how target moves bytes over TLS 1.3 (OpenSSL); the functions are
 * those of io_plain.h. One cipher for all clients, so that each pays for the
 * same cryptography: AES-128-GCM.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <unistd.h>

enum { IO_AGAIN = -1, IO_BROKEN = -2 };

struct io {
	SSL *ssl;
};

static SSL_CTX *tls;

static void io_setup(const char *cert, const char *key)
{
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	tls = SSL_CTX_new(TLS_server_method());
	if (!tls || !cert || !key || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "target: TLS needs --cert FILE and --key FILE (PEM)\n");
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_num_tickets(tls, 0); /* no client resumes */
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
}

static void io_open(struct io *io, int fd)
{
	io->ssl = SSL_new(tls);
	SSL_set_fd(io->ssl, fd);
	SSL_set_accept_state(io->ssl);
}

static void io_close(struct io *io)
{
	int fd = SSL_get_fd(io->ssl);
	SSL_shutdown(io->ssl);
	ERR_clear_error(); /* it complains of connections that broke */
	SSL_free(io->ssl);
	close(fd);
}

static ssize_t io_result(struct io *io, int n)
{
	if (n > 0)
		return n;
	int error = SSL_get_error(io->ssl, n);
	ERR_clear_error();
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	/* A read wants to write only when the server's part of the handshake does
	 * not fit into a fresh socket, which it always does. */
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? IO_AGAIN : IO_BROKEN;
}

static ssize_t io_read(struct io *io, char *to, size_t len)
{
	return io_result(io, SSL_read(io->ssl, to, (int)len));
}

static ssize_t io_write(struct io *io, const char *from, size_t len)
{
	return io_result(io, SSL_write(io->ssl, from, (int)len));
}

static bool io_pending(struct io *io) { return SSL_pending(io->ssl) > 0; }

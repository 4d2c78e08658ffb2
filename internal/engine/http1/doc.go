// Package http1 reads HTTP/1 answers as they arrive, in pieces of any size. It
// does no I/O, holds nothing for an idle connection, and keeps of an answer what
// its reader asked for and not more.
//
// The rules are those of RFC 9112 for a user agent. Where it leaves a choice:
//
//   - Lines of the head and of trailers may end in a bare LF (section 2.2). Chunk
//     sizes and chunks must end in CRLF, as nothing allows otherwise.
//   - A CR elsewhere in a line, or a NUL, is malformed (section 2.2; RFC 9110,
//     section 5.5). Other control characters in values are let through.
//   - A folded line is joined by one space (section 5.2). White space before the
//     first header, or before a colon, is malformed.
//   - The version must be HTTP/1.x and the status three digits from 100. A missing
//     reason, with or without its space, is let through.
//   - Interim answers (1xx) are skipped and counted in the bytes; 101 is malformed,
//     for nobody asked to switch.
//   - Equal lengths may be repeated, in one line or in several (section 6.3); all
//     else but one number without a sign is malformed, also where no body follows.
//   - Transfer-Encoding overrides Content-Length; the connection is not used
//     again (section 6.3), nor when such an answer says HTTP/1.0 (section 6.1).
//   - A body whose last coding is not chunked ends with the connection (section
//     6.3); chunked twice is malformed (section 6.1).
//   - Chunk extensions and trailers are read over.
package http1

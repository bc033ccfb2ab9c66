/* address.h - where to listen: ADDRESS:PORT with a numeric address, such as 0.0.0.0:8443 or [::1]:8443.
 *
 * Port 0 lets the kernel choose a free port. Threads: any. Memory: an address keeps a pointer to the text it came from.
 */
#ifndef RPW_ADDRESS_H
#define RPW_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "rpw/bytes/status.h"

#define RPW_ADDRESS_BACKLOG 4096  /* connections that wait to be accepted; the kernel cuts it to net.core.somaxconn */
#define RPW_ADDRESS_TEXT_BYTES 64 /* enough for any address as text, with brackets and port */

struct rpw_address {
    const char *text; /* as it was given */
    struct sockaddr_storage storage;
    socklen_t len;
};

/* Parses text; false, and ret_address untouched, when it is not ADDRESS:PORT. */
RPW_MUST_CHECK bool rpw_address_parse(const char *text, struct rpw_address *ret_address);

/* Opens a non-blocking socket that listens there. Returns it, or -1 with errno set. */
RPW_MUST_CHECK int rpw_address_listen(const struct rpw_address *address);

/* The other end of a connection, or our own. */
union rpw_ip_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Writes address as text: 127.0.0.1:8443 or [::1]:8443. */
void rpw_address_format(const union rpw_ip_address *address, char text[RPW_ADDRESS_TEXT_BYTES]);

/* The same for the address that a socket is bound to. */
void rpw_address_format_own(int fd, char text[RPW_ADDRESS_TEXT_BYTES]);

#endif

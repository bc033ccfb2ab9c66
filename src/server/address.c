/* address.c - addresses as text, and sockets that listen on them. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_port(const char *text)
{
    const size_t len = strlen(text);
    unsigned value = 0;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return value <= 65535;
}

bool rpw_address_parse(const char *text, struct rpw_address *ret_address)
{
    const char *whole = text;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(text, ':');
    struct addrinfo *found = NULL;
    char host[RPW_ADDRESS_TEXT_BYTES];
    size_t host_len;

    if (colon == NULL || !is_port(colon + 1))
        return false;
    host_len = (size_t)(colon - text);
    if (host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    } else if (memchr(text, ':', host_len) != NULL) {
        return false; /* an IPv6 address without brackets: where does it end? */
    }
    if (host_len == 0 || host_len >= sizeof(host))
        return false;
    memcpy(host, text, host_len);
    host[host_len] = '\0';

    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return false;
    *ret_address = (struct rpw_address){.text = whole};
    memcpy(&ret_address->storage, found->ai_addr, found->ai_addrlen);
    ret_address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

int rpw_address_listen(const struct rpw_address *address)
{
    const int one = 1;
    int saved_errno;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    /* A restart must not wait for the connections of the process before it. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&address->storage, address->len) == 0 && listen(fd, RPW_ADDRESS_BACKLOG) == 0)
        return fd;

    saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return -1;
}

void rpw_address_format(const union rpw_ip_address *address, char text[RPW_ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "unknown";

    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
        snprintf(text, RPW_ADDRESS_TEXT_BYTES, "[%s]:%u", host, ntohs(address->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
        snprintf(text, RPW_ADDRESS_TEXT_BYTES, "%s:%u", host, ntohs(address->v4.sin_port));
    }
}

void rpw_address_format_own(int fd, char text[RPW_ADDRESS_TEXT_BYTES])
{
    union rpw_ip_address address = {.v6 = {0}};
    socklen_t len = sizeof(address);

    getsockname(fd, &address.any, &len);
    rpw_address_format(&address, text);
}

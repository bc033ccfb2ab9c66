/* names.c - DNS-1123 subdomains, as Kubernetes names its Services, and IP addresses as inet_pton() reads them.
 *
 * Wildcards are refused: an apiserver asks for one name, and a certificate that is good for more is one that can be
 * misused for more.
 */
#include "names.h"

#include <arpa/inet.h>
#include <string.h>

#include "rpw/bytes/text.h"

static bool has(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

static const char *add(const char **list, size_t *count, const char *text)
{
    if (has(list, *count, text))
        return NULL;
    if (*count == RPW_CERTS_MAX_NAMES)
        return "at most 32 names of a kind";
    list[(*count)++] = text;
    return NULL;
}

const char *rpw_certs_names_add_dns(struct rpw_certs_names *names, const char *name)
{
    struct in_addr ignored;

    if (inet_pton(AF_INET, name, &ignored) == 1)
        return "a DNS name; IP addresses are given with --ip";
    if (strchr(name, '*') != NULL)
        return "a DNS name without wildcards";
    if (!rpw_span_is_dns_name(rpw_span_of(name), RPW_DNS_MAX_LABEL_BYTES))
        return "a DNS name: labels of a-z, 0-9 and '-', at most 63 characters each and 253 together, divided by '.'";
    return add(names->dns, &names->dns_count, name);
}

const char *rpw_certs_names_add_ip(struct rpw_certs_names *names, const char *address)
{
    struct in6_addr ignored;

    if (inet_pton(AF_INET, address, &ignored) != 1 && inet_pton(AF_INET6, address, &ignored) != 1)
        return "an IP address, such as 10.0.0.1 or fd00::1";
    return add(names->ip, &names->ip_count, address);
}

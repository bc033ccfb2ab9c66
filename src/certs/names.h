/* names.h - the names that a serving certificate is for, checked before anything is made of them.
 *
 * Pure. The texts are borrowed and must outlive the list.
 * Limit: RPW_CERTS_MAX_NAMES of each kind; an apiserver needs one, the Service's.
 */
#ifndef RPW_CERTS_NAMES_H
#define RPW_CERTS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define RPW_CERTS_MAX_NAMES 32

struct rpw_certs_names {
    const char *dns[RPW_CERTS_MAX_NAMES];
    size_t dns_count;
    const char *ip[RPW_CERTS_MAX_NAMES];
    size_t ip_count;
};

/* Add a name. NULL when it was added, or was there already; else what was expected, to follow "found 'X', expected ". */
const char *rpw_certs_names_add_dns(struct rpw_certs_names *names, const char *name);
const char *rpw_certs_names_add_ip(struct rpw_certs_names *names, const char *address);

#endif

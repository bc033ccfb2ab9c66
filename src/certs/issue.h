/* issue.h - makes certificates: an authority, and serving certificates that it signs.
 *
 * Keys are EC P-256, signatures ECDSA with SHA-256, serial numbers 127 random bits. An authority may sign certificates and
 * nothing else (CA:TRUE, pathlen 0); a serving certificate may serve TLS and nothing else. Each begins to be valid
 * RPW_CERTS_BACKDATE_S before it is made, since clocks differ.
 * Memory: pairs are the caller's and are released with rpw_certs_pair_done(), which wipes the key.
 * Errors: ret_error says what OpenSSL could not do; results are untouched then. Threads: re-entrant.
 */
#ifndef RPW_CERTS_ISSUE_H
#define RPW_CERTS_ISSUE_H

#include <stdbool.h>
#include <time.h>

#include "names.h"
#include "rpw/bytes/status.h"

#define RPW_CERTS_ERROR_BYTES 512
#define RPW_CERTS_BACKDATE_S 300
#define RPW_CERTS_DAY_S ((time_t)24 * 60 * 60)

/* A certificate and its private key, each as PEM text that ends in NUL. */
struct rpw_certs_pair {
    char *certificate;
    char *key;
};

/* Releases what pair holds, which may be nothing. */
void rpw_certs_pair_done(struct rpw_certs_pair *pair);

/* A self-signed authority called common_name, valid for lifetime_s from now. */
RPW_MUST_CHECK bool rpw_certs_make_authority(const char *common_name, time_t now, time_t lifetime_s,
                                             struct rpw_certs_pair *ret_pair, char ret_error[RPW_CERTS_ERROR_BYTES]);

/* A serving certificate for names (at least one), signed by authority and valid for lifetime_s from now, though not for
 * longer than the authority. */
RPW_MUST_CHECK bool rpw_certs_make_serving(const struct rpw_certs_pair *authority, const struct rpw_certs_names *names,
                                           time_t now, time_t lifetime_s, struct rpw_certs_pair *ret_pair,
                                           char ret_error[RPW_CERTS_ERROR_BYTES]);

#endif

/* certificate.h - what certificates say: read from PEM text, as facts.
 *
 * Limits: RPW_CERTS_MAX_CHAIN certificates in a text, RPW_CERTS_MAX_ALT_NAMES names in one; more is an error. Private
 * keys in the text are counted and otherwise left alone.
 * Memory: a list owns everything that its certificates point to. Threads: a list may be shared, nothing changes it.
 */
#ifndef RPW_CERTS_CERTIFICATE_H
#define RPW_CERTS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "issue.h"
#include "names.h"
#include "rpw/bytes/text.h"

#define RPW_CERTS_MAX_CHAIN 64
#define RPW_CERTS_MAX_ALT_NAMES 128
#define RPW_CERTS_FINGERPRINT_BYTES 65 /* SHA-256 in hex digits, and NUL */

struct rpw_certificate {
    char *subject; /* RFC 2253 */
    char *issuer;  /* RFC 2253 */
    char **names;  /* subjectAltName: "DNS:localhost", "IP:127.0.0.1"; other kinds as "other:" and their number */
    size_t name_count;
    char *key_type; /* "EC P-256", "RSA 2048 bits" */
    time_t not_before;
    time_t not_after;
    bool is_authority; /* may sign certificates */
    char fingerprint[RPW_CERTS_FINGERPRINT_BYTES];
    struct x509_st *handle;
};

struct rpw_certificate_list {
    struct rpw_certificate *items;
    size_t count;
    size_t key_count; /* private keys beside them */
};

/* Reads every certificate of text. False with ret_error, and ret_list untouched, when there is neither a certificate nor a
 * private key, when one cannot be read, or when there are more than the limits. */
RPW_MUST_CHECK bool rpw_certificates_read(struct rpw_span text, struct rpw_certificate_list *ret_list,
                                          char ret_error[RPW_CERTS_ERROR_BYTES]);

/* Releases what list holds, which may be nothing. */
void rpw_certificates_done(struct rpw_certificate_list *list);

/* Whether key, PEM text without a password, is the private key of certificate. */
bool rpw_certificate_has_key(const struct rpw_certificate *certificate, struct rpw_span key);

/* Whether authority's key made the signature of certificate. Nobody's validity or purpose is asked for. */
bool rpw_certificate_is_signed_by(const struct rpw_certificate *certificate, const struct rpw_certificate *authority);

/* certificate as PEM text, which the caller frees with free(); NULL when there is no memory. */
RPW_MUST_CHECK char *rpw_certificate_pem(const struct rpw_certificate *certificate);

/* Whether at least one of names' DNS names is one of certificate's. */
bool rpw_certificate_shares_name(const struct rpw_certificate *certificate, const struct rpw_certs_names *names);

/* Whether certificate is for exactly these names, in any order. */
bool rpw_certificate_is_for(const struct rpw_certificate *certificate, const struct rpw_certs_names *names);

#endif

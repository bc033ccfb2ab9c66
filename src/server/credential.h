/* credential.h - what a TLS session is given: the serving certificate with its key, and who may be a client.
 *
 * A credential is an immutable, counted snapshot. Each connection holds a reference from its handshake to its end, so a
 * newer credential can take over for new connections while old ones go on. It is made of two parts that come from files
 * of their own, so that a mistake in one does not keep the other from being renewed. Everything is checked in GnuTLS,
 * because GnuTLS serves it.
 * Threads: a credential may be shared; a part belongs to one thread.
 */
#ifndef RPW_CREDENTIAL_H
#define RPW_CREDENTIAL_H

#include <gnutls/x509.h>
#include <time.h>

#include "current.h"
#include "file.h"

/* The serving certificate, leaf first and then its intermediates, and the private key of the leaf. A zeroed one is
 * empty. The chain serves only while all of it is valid: from not_before to not_after. */
struct rpw_key_pair {
    const char *path;
    const char *key_path;
    gnutls_x509_crt_t *chain; /* NULL: empty */
    unsigned count;
    gnutls_x509_privkey_t key;
    time_t not_before;
    time_t not_after;
};

/* The authorities that sign clients' certificates. A zeroed one is empty: clients need no certificate. */
struct rpw_authorities {
    gnutls_x509_crt_t *list; /* NULL: empty */
    unsigned count;
    time_t not_after; /* of the one that is valid longest: after it no client gets in */
};

struct rpw_credential {
    struct rpw_shared shared;
    gnutls_certificate_credentials_t credentials;
    bool has_authorities;
    time_t not_before;
    time_t not_after;
};

/* Both read PEM. On success the caller gives the part back with _done(); on failure reterr is one line that names the
 * file and the reason; among authorities one at least must be CA:TRUE. Validity is not looked at. */
RPW_MUST_CHECK bool rpw_key_pair_parse(const struct rpw_file *certificate, const struct rpw_file *key,
                                       struct rpw_key_pair *ret_pair, char *reterr, size_t reterr_size);
RPW_MUST_CHECK bool rpw_authorities_parse(const struct rpw_file *file, struct rpw_authorities *ret_authorities,
                                          char *reterr, size_t reterr_size);
void rpw_key_pair_done(struct rpw_key_pair *pair);
void rpw_authorities_done(struct rpw_authorities *authorities);

/* Makes a credential of its parts, which stay the caller's; authorities may be empty.
 *   ret_credential  set on success only, with one reference.
 *   reterr          on failure: one line, most often that key and certificate do not belong together. */
RPW_MUST_CHECK bool rpw_credential_new(const struct rpw_key_pair *pair, const struct rpw_authorities *authorities,
                                       struct rpw_credential **ret_credential, char *reterr, size_t reterr_size);

void rpw_credential_unref(struct rpw_credential *credential); /* NULL is fine */

/* Lets a TLS session, before its handshake, present this credential and, if it has authorities, refuse every client
 * without a certificate for clients (extended key usage clientAuth, or none) that one of them has signed. */
RPW_MUST_CHECK bool rpw_credential_use(const struct rpw_credential *credential, gnutls_session_t session);

#endif

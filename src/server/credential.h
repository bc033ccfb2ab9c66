/* credential.h - the serving certificate and its key, checked and ready for TLS: an immutable, counted snapshot.
 *
 * Each connection holds a reference from its handshake to its end, so a newer credential can take over for new
 * connections while old ones go on. Everything is checked in GnuTLS, because GnuTLS serves it.
 * Threads: a credential may be shared; references may be taken and given back anywhere.
 */
#ifndef RPW_CREDENTIAL_H
#define RPW_CREDENTIAL_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "rpw/status.h"

#define RPW_CREDENTIAL_FILE_BYTES (1024 * 1024) /* the longest certificate or key file that is read */

struct rpw_credential; /* heap, counted */

/* Reads the certificate, leaf first and then its intermediates, and the private key, both PEM.
 *   ret_credential  set on success only, with one reference.
 *   reterr          on failure: one line that names the file and the reason.
 * An expired certificate is loaded all the same; ask rpw_credential_not_after(). */
RPW_MUST_CHECK bool rpw_credential_load(const char *certificate_path, const char *key_path,
                                        struct rpw_credential **ret_credential, char *reterr, size_t reterr_size);

struct rpw_credential *rpw_credential_ref(struct rpw_credential *credential);
void rpw_credential_unref(struct rpw_credential *credential); /* NULL is fine */

/* Lets a TLS session, before its handshake, present this credential. */
RPW_MUST_CHECK bool rpw_credential_use(const struct rpw_credential *credential, gnutls_session_t session);

/* The time in which all certificates of the file are valid. */
time_t rpw_credential_not_before(const struct rpw_credential *credential);
time_t rpw_credential_not_after(const struct rpw_credential *credential);

#endif

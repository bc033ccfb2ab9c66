/* credential.c - parses certificates and key in steps of their own, so that each error can name its file. */
#include "credential.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error_text {
    char *text;
    size_t size;
};

static bool fail(struct error_text err, const char *path, const char *reason)
{
    snprintf(err.text, err.size, "%s: %s", path, reason);
    return false;
}

/* --- the parts ---------------------------------------------------------------------------------------------------- */

static gnutls_datum_t datum_of(const struct rpw_file *file)
{
    return (gnutls_datum_t){(unsigned char *)file->bytes, (unsigned)file->len};
}

static bool import_list(const struct rpw_file *file, gnutls_x509_crt_t **ret_list, unsigned *ret_count,
                        struct error_text err)
{
    const gnutls_datum_t bytes = datum_of(file);
    char reason[256];
    const int result = gnutls_x509_crt_list_import2(ret_list, ret_count, &bytes, GNUTLS_X509_FMT_PEM, 0);

    if (result >= 0)
        return true;
    snprintf(reason, sizeof(reason), "no certificate in PEM form can be read from it (%s)", gnutls_strerror(result));
    return fail(err, file->path, reason);
}

static bool import_key(const struct rpw_file *file, gnutls_x509_privkey_t key, struct error_text err)
{
    const gnutls_datum_t bytes = datum_of(file);
    char reason[256];
    const int result = gnutls_x509_privkey_import2(key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);

    if (result >= 0)
        return true;
    snprintf(reason, sizeof(reason), "no unencrypted private key in PEM form can be read from it (%s)",
             gnutls_strerror(result));
    return fail(err, file->path, reason);
}

static void free_list(gnutls_x509_crt_t *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
}

static void note_validity(struct rpw_key_pair *pair)
{
    pair->not_before = gnutls_x509_crt_get_activation_time(pair->chain[0]);
    pair->not_after = gnutls_x509_crt_get_expiration_time(pair->chain[0]);
    for (unsigned i = 1; i < pair->count; i++) {
        const time_t not_before = gnutls_x509_crt_get_activation_time(pair->chain[i]);
        const time_t not_after = gnutls_x509_crt_get_expiration_time(pair->chain[i]);

        if (not_before > pair->not_before)
            pair->not_before = not_before;
        if (not_after < pair->not_after)
            pair->not_after = not_after;
    }
}

bool rpw_key_pair_parse(const struct rpw_file *certificate, const struct rpw_file *key, struct rpw_key_pair *ret_pair,
                        char *reterr, size_t reterr_size)
{
    const struct error_text err = {reterr, reterr_size};
    struct rpw_key_pair parsed = {.path = certificate->path, .key_path = key->path};

    if (gnutls_x509_privkey_init(&parsed.key) != 0)
        return fail(err, key->path, "out of memory");
    if (!import_list(certificate, &parsed.chain, &parsed.count, err) || !import_key(key, parsed.key, err)) {
        rpw_key_pair_done(&parsed);
        return false;
    }
    note_validity(&parsed);
    *ret_pair = parsed;
    return true;
}

static bool has_authority(const struct rpw_authorities *authorities)
{
    for (unsigned i = 0; i < authorities->count; i++)
        if (gnutls_x509_crt_get_ca_status(authorities->list[i], NULL) > 0)
            return true;
    return false;
}

bool rpw_authorities_parse(const struct rpw_file *file, struct rpw_authorities *ret_authorities, char *reterr,
                           size_t reterr_size)
{
    const struct error_text err = {reterr, reterr_size};
    struct rpw_authorities parsed = {NULL, 0, 0};

    if (!import_list(file, &parsed.list, &parsed.count, err))
        return false;
    if (!has_authority(&parsed)) {
        rpw_authorities_done(&parsed);
        return fail(err, file->path, "none of its certificates is an authority's, expected one with CA:TRUE");
    }
    for (unsigned i = 0; i < parsed.count; i++) {
        const time_t not_after = gnutls_x509_crt_get_expiration_time(parsed.list[i]);

        if (not_after > parsed.not_after)
            parsed.not_after = not_after;
    }
    *ret_authorities = parsed;
    return true;
}

void rpw_key_pair_done(struct rpw_key_pair *pair)
{
    free_list(pair->chain, pair->count);
    gnutls_x509_privkey_deinit(pair->key);
    *pair = (struct rpw_key_pair){.path = NULL};
}

void rpw_authorities_done(struct rpw_authorities *authorities)
{
    free_list(authorities->list, authorities->count);
    *authorities = (struct rpw_authorities){NULL, 0, 0};
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void destroy(struct rpw_shared *shared)
{
    struct rpw_credential *credential = (struct rpw_credential *)shared;

    gnutls_certificate_free_credentials(credential->credentials);
    free(credential);
}

static struct rpw_credential *new_credential(void)
{
    struct rpw_credential *credential = calloc(1, sizeof(*credential));

    if (credential != NULL && gnutls_certificate_allocate_credentials(&credential->credentials) != 0) {
        free(credential);
        credential = NULL;
    }
    if (credential != NULL)
        rpw_shared_init(&credential->shared, destroy);
    return credential;
}

bool rpw_credential_new(const struct rpw_key_pair *pair, const struct rpw_authorities *authorities,
                        struct rpw_credential **ret_credential, char *reterr, size_t reterr_size)
{
    const struct error_text err = {reterr, reterr_size};
    struct rpw_credential *credential = new_credential();
    char reason[512];
    int result;

    if (credential == NULL)
        return fail(err, pair->path, "out of memory");
    result = gnutls_certificate_set_x509_key(credential->credentials, pair->chain, (int)pair->count, pair->key);
    if (result >= 0 && authorities->count > 0)
        result = gnutls_certificate_set_x509_trust(credential->credentials, authorities->list, (int)authorities->count);
    if (result < 0) {
        snprintf(reason, sizeof(reason), "the key does not fit the first certificate in %s (%s)", pair->path,
                 gnutls_strerror(result));
        rpw_credential_unref(credential);
        return fail(err, pair->key_path, reason);
    }
    credential->has_authorities = authorities->count > 0;
    credential->not_before = pair->not_before;
    credential->not_after = pair->not_after;
    *ret_credential = credential;
    return true;
}

void rpw_credential_unref(struct rpw_credential *credential)
{
    rpw_shared_unref(credential == NULL ? NULL : &credential->shared);
}

bool rpw_credential_use(const struct rpw_credential *credential, gnutls_session_t session)
{
    /* GnuTLS keeps a pointer to it for as long as the session lives, and takes no const. */
    static gnutls_typed_vdata_st wanted[] = {
        {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, .size = 0},
    };

    if (credential->has_authorities) {
        /* libmicrohttpd's own option only asks for a certificate; verifying it is what this adds. */
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert2(session, wanted, 1, 0);
    }
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credential->credentials) == 0;
}

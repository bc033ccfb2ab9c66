/* credential.c - loads certificate and key in steps of their own, so that each error can name its file. */
#include "credential.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rpw_credential {
    _Atomic unsigned references;
    gnutls_certificate_credentials_t credentials;
    time_t not_before;
    time_t not_after;
};

struct error_text {
    char *text;
    size_t size;
};

static bool fail(struct error_text err, const char *path, const char *reason)
{
    snprintf(err.text, err.size, "%s: %s", path, reason);
    return false;
}

/* Reads the whole file into ret_file, which the caller frees with free_file(). */
static bool read_file(const char *path, gnutls_datum_t *ret_file, struct error_text err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *bytes = NULL;
    size_t len = 0;
    ssize_t got;

    if (fd < 0)
        return fail(err, path, strerror(errno));
    bytes = malloc(RPW_CREDENTIAL_FILE_BYTES);
    do {
        got = bytes == NULL ? -1 : read(fd, bytes + len, RPW_CREDENTIAL_FILE_BYTES - len);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && len < RPW_CREDENTIAL_FILE_BYTES);
    if (got < 0)
        fail(err, path, strerror(errno));
    else if (len == RPW_CREDENTIAL_FILE_BYTES)
        fail(err, path, "the file is 1 MiB or longer, expected a few kilobytes of PEM");
    close(fd);

    if (got != 0) {
        free(bytes);
        return false;
    }
    ret_file->data = bytes;
    ret_file->size = (unsigned)len;
    return true;
}

static void free_file(gnutls_datum_t *file)
{
    if (file->data != NULL)
        explicit_bzero(file->data, file->size);
    free(file->data);
}

static bool import_chain(const char *path, gnutls_x509_crt_t **ret_chain, unsigned *ret_count, struct error_text err)
{
    gnutls_datum_t file = {NULL, 0};
    char reason[256];
    int result;

    if (!read_file(path, &file, err))
        return false;
    result = gnutls_x509_crt_list_import2(ret_chain, ret_count, &file, GNUTLS_X509_FMT_PEM, 0);
    free_file(&file);
    if (result < 0) {
        snprintf(reason, sizeof(reason), "no certificate in PEM form can be read from it (%s)",
                 gnutls_strerror(result));
        return fail(err, path, reason);
    }
    return true;
}

static bool import_key(const char *path, gnutls_x509_privkey_t key, struct error_text err)
{
    gnutls_datum_t file = {NULL, 0};
    char reason[256];
    int result;

    if (!read_file(path, &file, err))
        return false;
    result = gnutls_x509_privkey_import2(key, &file, GNUTLS_X509_FMT_PEM, NULL, 0);
    free_file(&file);
    if (result < 0) {
        snprintf(reason, sizeof(reason), "no unencrypted private key in PEM form can be read from it (%s)",
                 gnutls_strerror(result));
        return fail(err, path, reason);
    }
    return true;
}

/* A chain serves only while all of it is valid. */
static void note_validity(struct rpw_credential *credential, gnutls_x509_crt_t *chain, unsigned count)
{
    credential->not_before = gnutls_x509_crt_get_activation_time(chain[0]);
    credential->not_after = gnutls_x509_crt_get_expiration_time(chain[0]);
    for (unsigned i = 1; i < count; i++) {
        const time_t not_before = gnutls_x509_crt_get_activation_time(chain[i]);
        const time_t not_after = gnutls_x509_crt_get_expiration_time(chain[i]);

        if (not_before > credential->not_before)
            credential->not_before = not_before;
        if (not_after < credential->not_after)
            credential->not_after = not_after;
    }
}

static struct rpw_credential *new_credential(void)
{
    struct rpw_credential *credential = calloc(1, sizeof(*credential));

    if (credential != NULL && gnutls_certificate_allocate_credentials(&credential->credentials) != 0) {
        free(credential);
        credential = NULL;
    }
    if (credential != NULL)
        atomic_init(&credential->references, 1);
    return credential;
}

bool rpw_credential_load(const char *certificate_path, const char *key_path, struct rpw_credential **ret_credential,
                         char *reterr, size_t reterr_size)
{
    const struct error_text err = {reterr, reterr_size};
    struct rpw_credential *credential = new_credential();
    gnutls_x509_crt_t *chain = NULL;
    gnutls_x509_privkey_t key = NULL;
    unsigned count = 0;
    char reason[512];
    bool is_loaded = false;
    int result;

    if (credential == NULL || gnutls_x509_privkey_init(&key) != 0) {
        fail(err, certificate_path, "out of memory");
        goto out;
    }
    if (!import_chain(certificate_path, &chain, &count, err) || !import_key(key_path, key, err))
        goto out;
    result = gnutls_certificate_set_x509_key(credential->credentials, chain, (int)count, key);
    if (result < 0) {
        snprintf(reason, sizeof(reason), "the key does not fit the first certificate in %s (%s)", certificate_path,
                 gnutls_strerror(result));
        fail(err, key_path, reason);
        goto out;
    }
    note_validity(credential, chain, count);
    *ret_credential = credential;
    is_loaded = true;

out:
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    gnutls_x509_privkey_deinit(key);
    if (!is_loaded)
        rpw_credential_unref(credential);
    return is_loaded;
}

struct rpw_credential *rpw_credential_ref(struct rpw_credential *credential)
{
    atomic_fetch_add_explicit(&credential->references, 1, memory_order_relaxed);
    return credential;
}

void rpw_credential_unref(struct rpw_credential *credential)
{
    if (credential == NULL || atomic_fetch_sub(&credential->references, 1) != 1)
        return;
    gnutls_certificate_free_credentials(credential->credentials);
    free(credential);
}

bool rpw_credential_use(const struct rpw_credential *credential, gnutls_session_t session)
{
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credential->credentials) == 0;
}

time_t rpw_credential_not_before(const struct rpw_credential *credential)
{
    return credential->not_before;
}

time_t rpw_credential_not_after(const struct rpw_credential *credential)
{
    return credential->not_after;
}

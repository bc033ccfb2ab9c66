/* issue.c - OpenSSL's way to a certificate: a key, a body filled field by field, extensions from their textual form, a
 * signature, and PEM text of both.
 *
 * OpenSSL collects its errors in a queue of the thread; fail() takes the oldest, which is the cause, and empties the queue.
 */
#include "issue.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIAL_BYTES 16
#define MAX_PEM_BYTES ((long)1024 * 1024)
/* "DNS:" or "IP:", the longest name, a comma; for every name. */
#define MAX_NAMES_TEXT_BYTES (2 * RPW_CERTS_MAX_NAMES * (253 + sizeof("DNS:,")))

/* RFC 5280, appendix A: ub-common-name. */
#define MAX_COMMON_NAME_BYTES 64

static bool fail(char ret_error[RPW_CERTS_ERROR_BYTES], const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());

    ERR_clear_error();
    snprintf(ret_error, RPW_CERTS_ERROR_BYTES, "%s (%s)", what, reason != NULL ? reason : "out of memory");
    return false;
}

void rpw_certs_pair_done(struct rpw_certs_pair *pair)
{
    if (pair->key != NULL)
        explicit_bzero(pair->key, strlen(pair->key));
    free(pair->key);
    free(pair->certificate);
    *pair = (struct rpw_certs_pair){NULL, NULL};
}

/* --- text ----------------------------------------------------------------------------------------------------------- */

/* What bio holds, as a string of malloc; NULL when there is no memory or nothing. */
static char *text_of(BIO *bio)
{
    char *bytes = NULL, *text = NULL;
    long len = BIO_get_mem_data(bio, &bytes);

    if (len > 0 && len < MAX_PEM_BYTES && (text = malloc((size_t)len + 1)) != NULL) {
        memcpy(text, bytes, (size_t)len);
        text[len] = '\0';
    }
    return text;
}

static char *certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1 ? text_of(bio) : NULL;

    BIO_free(bio);
    return text;
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
    char *text =
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 ? text_of(bio) : NULL;

    BIO_free(bio);
    return text;
}

static bool write_pair(X509 *certificate, EVP_PKEY *key, struct rpw_certs_pair *ret_pair,
                       char ret_error[RPW_CERTS_ERROR_BYTES])
{
    struct rpw_certs_pair pair = {certificate_text(certificate), key_text(key)};

    if (pair.certificate == NULL || pair.key == NULL) {
        rpw_certs_pair_done(&pair);
        return fail(ret_error, "the certificate cannot be written as PEM");
    }
    *ret_pair = pair;
    return true;
}

/* --- a certificate -------------------------------------------------------------------------------------------------- */

/* 127 bits: positive, and at least 64 of them random as the CA/Browser Forum wants. */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    BIGNUM *number = NULL;
    bool is_ok = false;

    if (RAND_bytes(bytes, sizeof(bytes)) == 1) {
        bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* never zero, always of one length */
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);
        is_ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    }
    BN_free(number);
    return is_ok;
}

static bool set_validity(X509 *certificate, time_t not_before, time_t not_after)
{
    return ASN1_TIME_adj(X509_getm_notBefore(certificate), not_before, 0, 0) != NULL &&
           ASN1_TIME_adj(X509_getm_notAfter(certificate), not_after, 0, 0) != NULL;
}

static bool set_common_name(X509 *certificate, const char *name)
{
    /* OpenSSL only reads it. */
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

struct extension {
    int nid;
    const char *value;
};

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *extensions, size_t count)
{
    X509V3_CTX context;
    bool is_ok = true;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; is_ok && i < count; i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);

        is_ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
    }
    return is_ok;
}

/* Everything but extensions and signature. NULL: OpenSSL knows why. */
static X509 *new_certificate(EVP_PKEY *key, const char *common_name, time_t now, time_t not_after)
{
    X509 *certificate = X509_new();

    if (certificate == NULL)
        return NULL;
    if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
        !set_validity(certificate, now - RPW_CERTS_BACKDATE_S, not_after) ||
        (common_name != NULL && !set_common_name(certificate, common_name)) || X509_set_pubkey(certificate, key) != 1) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

bool rpw_certs_make_authority(const char *common_name, time_t now, time_t lifetime_s, struct rpw_certs_pair *ret_pair,
                              char ret_error[RPW_CERTS_ERROR_BYTES])
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign"},
        {NID_subject_key_identifier, "hash"},
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? new_certificate(key, common_name, now, now + lifetime_s) : NULL;
    bool is_ok = false;

    if (certificate == NULL || X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
        !add_extensions(certificate, certificate, extensions, sizeof(extensions) / sizeof(extensions[0])) ||
        X509_sign(certificate, key, EVP_sha256()) == 0)
        fail(ret_error, "the authority cannot be made");
    else
        is_ok = write_pair(certificate, key, ret_pair, ret_error);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_ok;
}

/* "DNS:a,IP:b", as OpenSSL's configuration files have it: the names hold neither commas nor spaces. */
static void print_names(const struct rpw_certs_names *names, char *text, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < names->dns_count; i++)
        len += (size_t)snprintf(text + len, size - len, "%sDNS:%s", len > 0 ? "," : "", names->dns[i]);
    for (size_t i = 0; i < names->ip_count; i++)
        len += (size_t)snprintf(text + len, size - len, "%sIP:%s", len > 0 ? "," : "", names->ip[i]);
}

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const char *pem)
{
    char no_password[] = "";
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password) : NULL;

    BIO_free(bio);
    return key;
}

/* The name is for people, and repeats the first that fits: clients look at the subjectAltName alone. */
static const char *common_name_of(const struct rpw_certs_names *names)
{
    const char *name = names->dns_count > 0 ? names->dns[0] : names->ip[0];

    return strlen(name) <= MAX_COMMON_NAME_BYTES ? name : "rucio-policy-webhook";
}

static time_t end_of(X509 *certificate)
{
    struct tm end;

    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 ? timegm(&end) : 0;
}

/* Some keys digest in their own way and take none. */
static const EVP_MD *digest_for(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

static X509 *new_serving(X509 *issuer, EVP_PKEY *key, const struct rpw_certs_names *names, time_t now,
                         time_t lifetime_s)
{
    char names_text[MAX_NAMES_TEXT_BYTES];
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
        {NID_subject_alt_name, names_text},
    };
    time_t not_after = end_of(issuer) < now + lifetime_s ? end_of(issuer) : now + lifetime_s;
    X509 *certificate = new_certificate(key, common_name_of(names), now, not_after);

    print_names(names, names_text, sizeof(names_text));
    if (certificate != NULL &&
        (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
         !add_extensions(certificate, issuer, extensions, sizeof(extensions) / sizeof(extensions[0])))) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
}

bool rpw_certs_make_serving(const struct rpw_certs_pair *authority, const struct rpw_certs_names *names, time_t now,
                            time_t lifetime_s, struct rpw_certs_pair *ret_pair, char ret_error[RPW_CERTS_ERROR_BYTES])
{
    X509 *issuer = read_certificate(authority->certificate), *certificate = NULL;
    EVP_PKEY *issuer_key = read_key(authority->key), *key = NULL;
    bool is_ok = false;

    if (issuer == NULL || issuer_key == NULL || X509_check_private_key(issuer, issuer_key) != 1) {
        fail(ret_error, "the authority's certificate and key cannot be used");
        goto out;
    }
    key = EVP_EC_gen("P-256");
    certificate = key != NULL ? new_serving(issuer, key, names, now, lifetime_s) : NULL;
    if (certificate == NULL || X509_sign(certificate, issuer_key, digest_for(issuer_key)) == 0)
        fail(ret_error, "the serving certificate cannot be made");
    else
        is_ok = write_pair(certificate, key, ret_pair, ret_error);
out:
    X509_free(certificate);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(issuer_key);
    return is_ok;
}

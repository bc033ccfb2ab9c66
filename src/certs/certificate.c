/* certificate.c - reads PEM blocks one after the other, and asks OpenSSL for each fact once, when it is read.
 */
#include "certificate.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool fail(char ret_error[RPW_CERTS_ERROR_BYTES], const char *what)
{
    ERR_clear_error();
    snprintf(ret_error, RPW_CERTS_ERROR_BYTES, "%s", what);
    return false;
}

/* --- facts ---------------------------------------------------------------------------------------------------------- */

static char *name_text(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL, *text = NULL;
    long len;

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        len = BIO_get_mem_data(bio, &bytes);
        text = strndup(len > 0 ? bytes : "", len > 0 ? (size_t)len : 0);
    }
    BIO_free(bio);
    return text;
}

static char *key_type_text(EVP_PKEY *key)
{
    char group[64], *text = NULL;
    const char *type = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
    int length;

    if (type == NULL)
        return strdup("unknown");
    if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
        length = asprintf(&text, "%s %s", type, strcmp(group, "prime256v1") == 0 ? "P-256" : group);
    else
        length = asprintf(&text, "%s %d bits", type, EVP_PKEY_get_bits(key));
    return length >= 0 ? text : NULL;
}

static time_t time_of(const ASN1_TIME *value)
{
    struct tm fields;

    return ASN1_TIME_to_tm(value, &fields) == 1 ? timegm(&fields) : 0;
}

static void read_fingerprint(X509 *handle, char ret_text[RPW_CERTS_FINGERPRINT_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    ret_text[0] = '\0';
    if (X509_digest(handle, EVP_sha256(), digest, &len) == 1)
        for (unsigned i = 0; i < len && 2 * i + 2 < RPW_CERTS_FINGERPRINT_BYTES; i++)
            snprintf(ret_text + (size_t)2 * i, 3, "%02x", digest[i]);
}

static char *alt_name_text(const GENERAL_NAME *name)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    char address[INET6_ADDRSTRLEN], *text = NULL;
    int length = -1;

    if (type == GEN_DNS)
        length = asprintf(&text, "DNS:%.*s", ASN1_STRING_length(value), (const char *)ASN1_STRING_get0_data(value));
    else if (type == GEN_IPADD && inet_ntop(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6,
                                            ASN1_STRING_get0_data(value), address, sizeof(address)) != NULL)
        length = asprintf(&text, "IP:%s", address);
    else
        length = asprintf(&text, "other:%d", type);
    return length >= 0 ? text : NULL;
}

/* False: too many, or no memory. */
static bool read_alt_names(X509 *handle, struct rpw_certificate *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(handle, NID_subject_alt_name, NULL, NULL);
    int count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
    bool is_ok = count <= RPW_CERTS_MAX_ALT_NAMES;

    certificate->names = is_ok ? calloc((size_t)count + 1, sizeof(*certificate->names)) : NULL;
    is_ok = certificate->names != NULL;
    for (int i = 0; is_ok && i < count; i++) {
        char *text = alt_name_text(sk_GENERAL_NAME_value(names, i));

        is_ok = text != NULL;
        if (is_ok)
            certificate->names[certificate->name_count++] = text;
    }
    GENERAL_NAMES_free(names);
    return is_ok;
}

static bool read_facts(X509 *handle, struct rpw_certificate *certificate)
{
    certificate->handle = handle;
    certificate->subject = name_text(X509_get_subject_name(handle));
    certificate->issuer = name_text(X509_get_issuer_name(handle));
    certificate->key_type = key_type_text(X509_get0_pubkey(handle));
    certificate->not_before = time_of(X509_get0_notBefore(handle));
    certificate->not_after = time_of(X509_get0_notAfter(handle));
    certificate->is_authority = X509_check_ca(handle) == 1;
    read_fingerprint(handle, certificate->fingerprint);
    return certificate->subject != NULL && certificate->issuer != NULL && certificate->key_type != NULL &&
           read_alt_names(handle, certificate);
}

static void release(struct rpw_certificate *certificate)
{
    for (size_t i = 0; i < certificate->name_count; i++)
        free(certificate->names[i]);
    free(certificate->names);
    free(certificate->subject);
    free(certificate->issuer);
    free(certificate->key_type);
    X509_free(certificate->handle);
}

void rpw_certificates_done(struct rpw_certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        release(&list->items[i]);
    free(list->items);
    *list = (struct rpw_certificate_list){NULL, 0, 0};
}

/* --- PEM ------------------------------------------------------------------------------------------------------------ */

static bool add_certificate(struct rpw_certificate_list *list, const unsigned char *bytes, long len,
                            char ret_error[RPW_CERTS_ERROR_BYTES])
{
    const unsigned char *at = bytes;
    X509 *handle;

    if (list->count == RPW_CERTS_MAX_CHAIN)
        return fail(ret_error, "found more than 64 certificates");
    handle = d2i_X509(NULL, &at, len);
    if (handle == NULL)
        return fail(ret_error, "found a block that is called a certificate and cannot be read as one");
    list->count++;
    if (!read_facts(handle, &list->items[list->count - 1]))
        return fail(ret_error, "found a certificate with more than 128 names, or there is no memory");
    return true;
}

static bool is_private_key(const char *label)
{
    size_t len = strlen(label), suffix_len = strlen("PRIVATE KEY");

    return len >= suffix_len && strcmp(label + len - suffix_len, "PRIVATE KEY") == 0;
}

/* Blocks of other kinds (parameters, requests) are passed over. */
static bool read_blocks(BIO *bio, struct rpw_certificate_list *list, char ret_error[RPW_CERTS_ERROR_BYTES])
{
    char *label = NULL, *header = NULL;
    unsigned char *bytes = NULL;
    long len = 0;
    bool is_ok = true;

    while (is_ok && PEM_read_bio(bio, &label, &header, &bytes, &len) == 1) {
        if (strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_TRUSTED) == 0)
            is_ok = add_certificate(list, bytes, len, ret_error);
        else if (is_private_key(label))
            list->key_count++;
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)len);
    }
    if (is_ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        is_ok = fail(ret_error, "found a PEM block that is damaged or has no end");
    ERR_clear_error();
    return is_ok;
}

bool rpw_certificates_read(struct rpw_span text, struct rpw_certificate_list *ret_list,
                           char ret_error[RPW_CERTS_ERROR_BYTES])
{
    struct rpw_certificate_list list = {calloc(RPW_CERTS_MAX_CHAIN, sizeof(*list.items)), 0, 0};
    BIO *bio = text.len > 0 && text.len <= INT_MAX ? BIO_new_mem_buf(text.ptr, (int)text.len) : NULL;
    bool is_ok;

    if (list.items == NULL || bio == NULL)
        is_ok = fail(ret_error, text.len == 0 ? "found nothing, expected a certificate in PEM form" : "out of memory");
    else
        is_ok = read_blocks(bio, &list, ret_error);
    if (is_ok && list.count == 0 && list.key_count == 0)
        is_ok = fail(ret_error, "found no certificate in PEM form (it begins with -----BEGIN CERTIFICATE-----)");
    BIO_free(bio);
    if (is_ok)
        *ret_list = list;
    else
        rpw_certificates_done(&list);
    return is_ok;
}

/* --- questions ------------------------------------------------------------------------------------------------------ */

bool rpw_certificate_has_key(const struct rpw_certificate *certificate, struct rpw_span key)
{
    char no_password[] = "";
    BIO *bio = key.len > 0 && key.len <= INT_MAX ? BIO_new_mem_buf(key.ptr, (int)key.len) : NULL;
    EVP_PKEY *handle = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password) : NULL;
    bool is_match = handle != NULL && X509_check_private_key(certificate->handle, handle) == 1;

    EVP_PKEY_free(handle);
    BIO_free(bio);
    ERR_clear_error();
    return is_match;
}

bool rpw_certificate_is_signed_by(const struct rpw_certificate *certificate, const struct rpw_certificate *authority)
{
    EVP_PKEY *key = X509_get0_pubkey(authority->handle);
    bool is_signed =
        key != NULL &&
        X509_NAME_cmp(X509_get_issuer_name(certificate->handle), X509_get_subject_name(authority->handle)) == 0 &&
        X509_verify(certificate->handle, key) == 1;

    ERR_clear_error();
    return is_signed;
}

char *rpw_certificate_pem(const struct rpw_certificate *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL, *text = NULL;
    long len;

    if (bio != NULL && PEM_write_bio_X509(bio, certificate->handle) == 1 && (len = BIO_get_mem_data(bio, &bytes)) > 0)
        text = strndup(bytes, (size_t)len);
    BIO_free(bio);
    ERR_clear_error();
    return text;
}

static bool has_name(const struct rpw_certificate *certificate, const char *kind, const char *value)
{
    size_t kind_len = strlen(kind);

    for (size_t i = 0; i < certificate->name_count; i++)
        if (strncmp(certificate->names[i], kind, kind_len) == 0 &&
            strcasecmp(certificate->names[i] + kind_len, value) == 0)
            return true;
    return false;
}

/* An address has one form in which inet_ntop() writes it. */
static bool has_address(const struct rpw_certificate *certificate, const char *address)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;

    return inet_pton(family, address, bytes) == 1 && inet_ntop(family, bytes, text, sizeof(text)) != NULL &&
           has_name(certificate, "IP:", text);
}

bool rpw_certificate_shares_name(const struct rpw_certificate *certificate, const struct rpw_certs_names *names)
{
    for (size_t i = 0; i < names->dns_count; i++)
        if (has_name(certificate, "DNS:", names->dns[i]))
            return true;
    return false;
}

bool rpw_certificate_is_for(const struct rpw_certificate *certificate, const struct rpw_certs_names *names)
{
    if (certificate->name_count != names->dns_count + names->ip_count)
        return false;
    for (size_t i = 0; i < names->dns_count; i++)
        if (!has_name(certificate, "DNS:", names->dns[i]))
            return false;
    for (size_t i = 0; i < names->ip_count; i++)
        if (!has_address(certificate, names->ip[i]))
            return false;
    return true;
}

/* certs_show.c - the verb `certs show FILE`: what certificates say, and whether they are valid now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "certs.h"
#include "cli.h"
#include "documents.h"
#include "values.h"

#define MAX_FILE_BYTES ((size_t)1024 * 1024)

static const char usage[] =
    "Usage: rucio-policy-webhook certs show FILE\n"
    "Says what is in a file of certificates in PEM form: subject, issuer, names, key, validity, and who signed whom.\n"
    "`-` reads standard input. Of private keys nothing is shown.\n"
    "Exit codes: 0 every certificate is valid now, 1 one is not or cannot be read, 2 usage.\n";

/* Text of others on a terminal. */
static void print_text(const char *label, const char *text)
{
    printf("   %-12s", label);
    for (; *text != '\0'; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    putchar('\n');
}

static void print_names(const struct rpw_certificate *certificate)
{
    for (size_t i = 0; i < certificate->name_count; i++)
        print_text(i == 0 ? "names" : "", certificate->names[i]);
    if (certificate->name_count == 0 && !certificate->is_authority)
        print_text("names", "none: no client accepts it for a server");
}

/* Returns whether it is valid. */
static bool print_validity(const struct rpw_certificate *certificate, time_t now)
{
    char begin[RPW_TIME_TEXT_BYTES], end[RPW_TIME_TEXT_BYTES];
    long long days_left = (long long)((certificate->not_after - now) / RPW_CERTS_DAY_S);
    bool is_valid = false;

    rpw_time_format(certificate->not_before, begin);
    rpw_time_format(certificate->not_after, end);
    printf("   %-12s%s to %s, ", "valid", begin, end);
    if (now < certificate->not_before)
        puts("NOT YET VALID");
    else if (now >= certificate->not_after)
        printf("EXPIRED %lld days ago\n", -days_left);
    else
        is_valid = printf("%lld days left\n", days_left) > 0;
    return is_valid;
}

static void print_signer(const struct rpw_certificate_list *list, size_t index)
{
    const struct rpw_certificate *certificate = &list->items[index];

    printf("   %-12s", "signed by");
    if (rpw_certificate_is_signed_by(certificate, certificate)) {
        puts("itself");
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        if (i != index && rpw_certificate_is_signed_by(certificate, &list->items[i])) {
            printf("number %zu\n", i + 1);
            return;
        }
    puts("none of this file");
}

/* A server's file is its own certificate and then each one's issuer; a bundle of authorities has no order. */
static void print_order(const struct rpw_certificate_list *list)
{
    size_t in_order = 1;

    if (list->count < 2 || list->items[0].is_authority)
        return;
    while (in_order < list->count && rpw_certificate_is_signed_by(&list->items[in_order - 1], &list->items[in_order]))
        in_order++;
    if (in_order == list->count)
        puts("Each is signed by the next one: a chain in the right order.");
    else
        printf("Not a chain: number %zu is not signed by number %zu. A server's file is its certificate, then the one\n"
               "that signed it, and so on.\n",
               in_order, in_order + 1);
}

/* Returns whether all are valid. */
static bool print_certificates(const struct rpw_certificate_list *list, time_t now)
{
    bool are_valid = true;

    for (size_t i = 0; i < list->count; i++) {
        const struct rpw_certificate *certificate = &list->items[i];

        printf("%zu. %s\n", i + 1, certificate->is_authority ? "authority" : "certificate");
        print_text("subject", certificate->subject);
        print_text("issuer", certificate->issuer);
        print_names(certificate);
        print_text("key", certificate->key_type);
        are_valid = print_validity(certificate, now) && are_valid;
        print_signer(list, i);
        print_text("SHA-256", certificate->fingerprint);
    }
    print_order(list);
    return are_valid;
}

int rpw_cli_certs_show(int argc, char **argv)
{
    struct rpw_certificate_list list = {NULL, 0, 0};
    char error[RPW_CERTS_ERROR_BYTES], *text;
    bool is_fine = false;
    size_t len = 0;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return RPW_EXIT_OK;
    }
    if (argc != 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
        fprintf(stderr, "rucio-policy-webhook certs show: expected one argument, the file\n\n%s", usage);
        return RPW_EXIT_USAGE;
    }
    text = rpw_documents_read_bytes(argv[1], MAX_FILE_BYTES, &len);
    if (text == NULL)
        return RPW_EXIT_NO;
    if (!rpw_certificates_read((struct rpw_span){text, len}, &list, error)) {
        fprintf(stderr, "%s: %s\n", rpw_documents_shown_name(argv[1]), error);
    } else {
        is_fine = print_certificates(&list, time(NULL));
        if (list.key_count > 0)
            puts(list.count > 0 ? "There is a private key, too: nothing of it is shown."
                                : "This is a private key: nothing is shown.");
    }
    rpw_certificates_done(&list);
    explicit_bzero(text, len);
    free(text);
    return is_fine ? RPW_EXIT_OK : RPW_EXIT_NO;
}

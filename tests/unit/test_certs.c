/* test_certs.c - issue.h, certificate.h and names.h: what was made is what was asked for, at any time. */
#include "certificate.h"

#include "unit.h"

#define NOW ((time_t)1800000000)

static const struct rpw_certs_names names = {
    .dns = {"a.svc", "b.svc"}, .dns_count = 2, .ip = {"10.0.0.1"}, .ip_count = 1};

/* An authority and what it signed, as facts; each caller releases all with done(). */
struct made {
    struct rpw_certs_pair authority;
    struct rpw_certs_pair serving;
    struct rpw_certificate_list authority_list;
    struct rpw_certificate_list serving_list;
};

static struct made make(time_t authority_s, time_t serving_s)
{
    struct made made = {{NULL, NULL}, {NULL, NULL}, {NULL, 0, 0}, {NULL, 0, 0}};
    char error[RPW_CERTS_ERROR_BYTES];

    assert_true(rpw_certs_make_authority("test authority", NOW, authority_s, &made.authority, error));
    assert_true(rpw_certs_make_serving(&made.authority, &names, NOW, serving_s, &made.serving, error));
    assert_true(rpw_certificates_read(rpw_span_of(made.authority.certificate), &made.authority_list, error));
    assert_true(rpw_certificates_read(rpw_span_of(made.serving.certificate), &made.serving_list, error));
    return made;
}

static void done(struct made *made)
{
    rpw_certs_pair_done(&made->authority);
    rpw_certs_pair_done(&made->serving);
    rpw_certificates_done(&made->authority_list);
    rpw_certificates_done(&made->serving_list);
}

static void certs_facts_are_those_that_were_asked_for(void **unused)
{
    struct made made = make(1000, 500);
    const struct rpw_certificate *serving = &made.serving_list.items[0], *authority = &made.authority_list.items[0];

    (void)unused;
    assert_string_equal(authority->subject, "CN=test authority");
    assert_string_equal(serving->issuer, "CN=test authority");
    assert_string_equal(serving->key_type, "EC P-256");
    assert_true(authority->is_authority);
    assert_false(serving->is_authority);
    assert_int_equal(serving->not_before, NOW - RPW_CERTS_BACKDATE_S);
    assert_int_equal(serving->not_after, NOW + 500);
    assert_int_equal(serving->name_count, 3);
    assert_string_equal(serving->names[2], "IP:10.0.0.1");
    done(&made);
}

static void certs_serving_certificate_ends_with_its_authority(void **unused)
{
    struct made made = make(1000, 5000);

    (void)unused;
    assert_int_equal(made.serving_list.items[0].not_after, NOW + 1000);
    done(&made);
}

static void certs_signer_and_key_are_told_apart(void **unused)
{
    struct made made = make(1000, 500), other = make(1000, 500);

    (void)unused;
    assert_true(rpw_certificate_is_signed_by(&made.serving_list.items[0], &made.authority_list.items[0]));
    assert_false(rpw_certificate_is_signed_by(&made.serving_list.items[0], &other.authority_list.items[0]));
    assert_true(rpw_certificate_has_key(&made.serving_list.items[0], rpw_span_of(made.serving.key)));
    assert_false(rpw_certificate_has_key(&made.serving_list.items[0], rpw_span_of(other.serving.key)));
    assert_false(rpw_certificate_has_key(&made.serving_list.items[0], RPW_LIT("no key")));
    assert_false(rpw_certificate_has_key(&made.serving_list.items[0], RPW_LIT("")));
    done(&made);
    done(&other);
}

static void certs_authority_with_the_key_of_another_is_refused(void **unused)
{
    struct made made = make(1000, 500), other = make(1000, 500);
    const struct rpw_certs_pair mixed = {made.authority.certificate, other.authority.key};
    char error[RPW_CERTS_ERROR_BYTES] = "";
    struct rpw_certs_pair pair = {NULL, NULL};

    (void)unused;
    assert_false(rpw_certs_make_serving(&mixed, &names, NOW, 1, &pair, error));
    assert_non_null(strstr(error, "certificate and key cannot be used"));
    assert_null(pair.key);
    done(&made);
    done(&other);
}

static void certs_names_are_compared_as_sets(void **unused)
{
    static const struct rpw_certs_names same = {
        .dns = {"b.svc", "a.svc"}, .dns_count = 2, .ip = {"10.0.0.1"}, .ip_count = 1};
    static const struct rpw_certs_names fewer = {.dns = {"a.svc"}, .dns_count = 1, .ip = {"10.0.0.1"}, .ip_count = 1};
    static const struct rpw_certs_names others = {
        .dns = {"a.svc", "c.svc"}, .dns_count = 2, .ip = {"10.0.0.1"}, .ip_count = 1};
    static const struct rpw_certs_names other_ip = {
        .dns = {"a.svc", "b.svc"}, .dns_count = 2, .ip = {"10.0.0.2"}, .ip_count = 1};
    struct made made = make(1000, 500);

    (void)unused;
    assert_true(rpw_certificate_is_for(&made.serving_list.items[0], &same));
    assert_false(rpw_certificate_is_for(&made.serving_list.items[0], &fewer));
    assert_false(rpw_certificate_is_for(&made.serving_list.items[0], &others));
    assert_false(rpw_certificate_is_for(&made.serving_list.items[0], &other_ip));
    done(&made);
}

static void certs_text_of_a_certificate_is_what_was_read(void **unused)
{
    struct made made = make(1000, 500);
    char *pem = rpw_certificate_pem(&made.serving_list.items[0]);

    (void)unused;
    assert_string_equal(pem, made.serving.certificate);
    free(pem);
    done(&made);
}

static const struct name_row {
    const char *name;
    const char *text;
    bool is_dns;
    bool is_ip;
} name_rows[] = {
    {"names_service", "rucio-policy-webhook.rucio-system.svc", true, false},
    {"names_single_label", "localhost", true, false},
    {"names_digits", "1a.2b", true, false},
    {"names_upper_case", "A.svc", false, false},
    {"names_underscore", "a_b", false, false},
    {"names_wildcard", "*.svc", false, false},
    {"names_dot_at_the_end", "a.", false, false},
    {"names_dash_at_the_end", "a-.b", false, false},
    {"names_comma", "a,DNS:b", false, false},
    {"names_empty", "", false, false},
    {"names_ipv4", "10.0.0.1", false, true},
    {"names_ipv6", "fd00::1", false, true},
    {"names_half_an_address", "10.0.0", true, false},
};

static void name_is_taken_or_refused(void **state)
{
    const struct name_row *row = *state;
    struct rpw_certs_names list = {.dns_count = 0};

    assert_int_equal(rpw_certs_names_add_dns(&list, row->text) == NULL, row->is_dns);
    assert_int_equal(rpw_certs_names_add_ip(&list, row->text) == NULL, row->is_ip);
    assert_int_equal(list.dns_count, row->is_dns);
    assert_int_equal(list.ip_count, row->is_ip);
    if (row->is_dns) {
        assert_null(rpw_certs_names_add_dns(&list, row->text));
        assert_int_equal(list.dns_count, 1);
    }
}

int main(void)
{
    UNIT_ADD(certs_facts_are_those_that_were_asked_for);
    UNIT_ADD(certs_serving_certificate_ends_with_its_authority);
    UNIT_ADD(certs_signer_and_key_are_told_apart);
    UNIT_ADD(certs_authority_with_the_key_of_another_is_refused);
    UNIT_ADD(certs_names_are_compared_as_sets);
    UNIT_ADD(certs_text_of_a_certificate_is_what_was_read);
    UNIT_ADD_ROWS(name_is_taken_or_refused, name_rows);
    return unit_run("certs");
}

/* test_server_parts.c - the small pure pieces of the server: addresses, quotas, framing, refusals, bodies and budget. */
#include "unit.h"

#include <arpa/inet.h>

#include "address.h"
#include "body.h"
#include "framing.h"
#include "processors.h"
#include "refusal.h"

/* --- addresses ---------------------------------------------------------------------------------------------------- */

struct address_row {
    const char *name;
    const char *text;
    int family; /* 0: not an address */
    unsigned port;
};

static const struct address_row address_rows[] = {
    {"address_ipv4", "0.0.0.0:8443", AF_INET, 8443},
    {"address_ipv4_port_zero", "127.0.0.1:0", AF_INET, 0},
    {"address_highest_port", "127.0.0.1:65535", AF_INET, 65535},
    {"address_ipv6", "[::1]:8443", AF_INET6, 8443},
    {"address_ipv6_any", "[::]:8443", AF_INET6, 8443},
    {"address_ipv6_without_brackets", "::1:8443", 0, 0},
    {"address_ipv6_half_a_bracket", "[::1:8443", 0, 0},
    {"address_without_port", "127.0.0.1", 0, 0},
    {"address_with_empty_port", "127.0.0.1:", 0, 0},
    {"address_port_too_high", "127.0.0.1:65536", 0, 0},
    {"address_port_too_long", "127.0.0.1:000080", 0, 0},
    {"address_port_with_sign", "127.0.0.1:+80", 0, 0},
    {"address_port_alone", ":8443", 0, 0},
    {"address_empty_brackets", "[]:8443", 0, 0},
    {"address_name", "localhost:8443", 0, 0},
    {"address_empty", "", 0, 0},
    {"address_too_long", "111111111111111111111111111111111111111111111111111111111111111111111111:1", 0, 0},
};

static void address_row(void **state)
{
    const struct address_row *row = *state;
    struct rpw_address address = {.len = 0};
    union rpw_ip_address ip = {.v6 = {0}};
    char text[RPW_ADDRESS_TEXT_BYTES];

    assert_int_equal(rpw_address_parse(row->text, &address), row->family != 0);
    if (row->family == 0) {
        assert_int_equal(address.len, 0);
        return;
    }
    memcpy(&ip, &address.storage, address.len);
    assert_int_equal(ip.any.sa_family, row->family);
    assert_int_equal(ntohs(row->family == AF_INET ? ip.v4.sin_port : ip.v6.sin6_port), row->port);
    assert_string_equal(address.text, row->text);
    rpw_address_format(&ip, text);
    assert_string_equal(text, row->text);
}

/* --- quotas ------------------------------------------------------------------------------------------------------- */

struct quota_row {
    const char *name;
    const char *text;
    unsigned processors;
};

static const struct quota_row quota_rows[] = {
    {"quota_none", "max 100000", 0},
    {"quota_none_in_v1", "-1 100000", 0},
    {"quota_half", "50000 100000", 1},
    {"quota_of_exactly_two", "200000 100000", 2},
    {"quota_rounded_up", "150000 100000", 2},
    {"quota_zero", "0 100000", 0},
    {"quota_period_zero", "100000 0", 0},
    {"quota_without_period", "100000", 0},
    {"quota_empty", "", 0},
    {"quota_absurd", "99999999999999999999 100000", 0},
};

static void quota_row(void **state)
{
    const struct quota_row *row = *state;

    assert_int_equal(rpw_processors_of_quota(rpw_span_of(row->text)), row->processors);
}

static void processors_allowed_is_at_least_one(void **state)
{
    (void)state;
    assert_true(rpw_processors_allowed() >= 1);
}

/* --- framing ------------------------------------------------------------------------------------------------------ */

struct framing_row {
    const char *name;
    struct rpw_framing framing;
    const char *error; /* how it begins; NULL: none */
};

static const struct framing_row framing_rows[] = {
    {"framing_without_body", {.hosts = 1}, NULL},
    {"framing_with_length", {.hosts = 1, .lengths = 1}, NULL},
    {"framing_chunked", {.hosts = 1, .encodings = 1}, NULL},
    {"framing_with_both", {.hosts = 1, .lengths = 1, .encodings = 1}, "Content-Length and Transfer-Encoding"},
    {"framing_with_two_lengths", {.hosts = 1, .lengths = 2}, "Content-Length came more"},
    {"framing_with_a_bad_length", {.hosts = 1, .lengths = 1, .is_length_bad = true}, "Content-Length is not"},
    {"framing_with_two_encodings", {.hosts = 1, .encodings = 2}, "Transfer-Encoding came more"},
    {"framing_with_a_bad_encoding", {.hosts = 1, .encodings = 1, .is_encoding_bad = true}, "Transfer-Encoding is"},
    {"framing_without_host", {.lengths = 1}, "Host is missing"},
    {"framing_with_two_hosts", {.hosts = 2}, "Host came more"},
};

static void framing_row(void **state)
{
    const struct framing_row *row = *state;
    const char *error = rpw_framing_error(&row->framing);

    if (row->error == NULL) {
        assert_null(error);
        return;
    }
    assert_non_null(error);
    assert_memory_equal(error, row->error, strlen(row->error));
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

struct refusal_row {
    const char *name;
    enum rpw_refusal refusal;
    const char *found;
    unsigned status;
    bool closes;
    const char *text;
};

static const struct refusal_row refusal_rows[] = {
    {"refusal_framing", RPW_REFUSAL_FRAMING, "Host is missing", 400, true, "bad request: Host is missing\n"},
    {"refusal_path", RPW_REFUSAL_NOT_FOUND, "/x", 404, false, "not found: the path is '/x', expected '/mutate'\n"},
    {"refusal_method", RPW_REFUSAL_METHOD, "GET", 405, false, "method not allowed: it is 'GET', expected 'POST'\n"},
    {"refusal_type", RPW_REFUSAL_CONTENT_TYPE, "a/b", 415, false,
     "unsupported media type: Content-Type is 'a/b', expected 'application/json'\n"},
    {"refusal_no_type", RPW_REFUSAL_CONTENT_TYPE, NULL, 415, false,
     "unsupported media type: Content-Type is missing, expected 'application/json'\n"},
    {"refusal_size", RPW_REFUSAL_TOO_LARGE, NULL, 413, true,
     "request too large: the body is longer than 7340032 bytes\n"},
    {"refusal_budget", RPW_REFUSAL_BUDGET, NULL, 503, false,
     "busy: too many large requests at once, expected to pass; try again\n"},
    {"refusal_shows_no_control_characters", RPW_REFUSAL_METHOD, "\x1b\xc3\xa9\n", 405, false,
     "method not allowed: it is '\?\?\?\?', expected 'POST'\n"},
    {"refusal_cuts_what_is_long", RPW_REFUSAL_METHOD,
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", 405, false,
     "method not allowed: it is '0123456789012345678901234567890123456789012345678901234567890123456789012345...', "
     "expected 'POST'\n"},
};

static void refusal_row(void **state)
{
    const struct refusal_row *row = *state;
    char text[RPW_REFUSAL_TEXT_BYTES];

    assert_int_equal(rpw_refusal_status(row->refusal), row->status);
    assert_int_equal(rpw_refusal_closes(row->refusal), row->closes);
    assert_int_equal(rpw_refusal_text(row->refusal, row->found, text), strlen(row->text));
    assert_string_equal(text, row->text);
}

/* --- bodies and their budget -------------------------------------------------------------------------------------- */

#define BODY_MAX ((size_t)100 * 1024)

static char piece[BODY_MAX];

static void body_grows_with_what_arrives_and_never_over_its_maximum(void **state)
{
    struct rpw_budget budget;
    struct rpw_body body = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, 1024 * 1024);
    assert_true(rpw_body_append(&body, &budget, BODY_MAX, "abc", 3));
    assert_int_equal(body.capacity, RPW_BODY_FIRST_BYTES);
    assert_int_equal(atomic_load(&budget.used), body.capacity);
    assert_true(rpw_body_append(&body, &budget, BODY_MAX, piece, BODY_MAX - 3));
    assert_int_equal(body.len, BODY_MAX);
    assert_int_equal(body.capacity, BODY_MAX);
    assert_int_equal(atomic_load(&budget.used), BODY_MAX);
    assert_memory_equal(body.bytes, "abc", 3);
    rpw_body_done(&body, &budget);
    assert_int_equal(atomic_load(&budget.used), 0);
    assert_null(body.bytes);
}

static void body_is_left_as_it_was_when_the_budget_refuses(void **state)
{
    struct rpw_budget budget;
    struct rpw_body body = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, RPW_BODY_FIRST_BYTES + 1);
    assert_true(rpw_body_append(&body, &budget, BODY_MAX, "abc", 3));
    assert_false(rpw_body_append(&body, &budget, BODY_MAX, piece, RPW_BODY_FIRST_BYTES));
    assert_int_equal(body.len, 3);
    assert_memory_equal(body.bytes, "abc", 3);
    assert_int_equal(atomic_load(&budget.used), RPW_BODY_FIRST_BYTES);
    rpw_body_done(&body, &budget);
}

static void body_keeps_its_memory_when_it_is_small_and_the_budget_wide(void **state)
{
    struct rpw_budget budget;
    struct rpw_body body = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, 1024 * 1024);
    assert_true(rpw_body_append(&body, &budget, BODY_MAX, "abc", 3));
    rpw_body_reset(&body, &budget);
    assert_int_equal(body.len, 0);
    assert_int_equal(body.capacity, RPW_BODY_FIRST_BYTES);
    rpw_body_done(&body, &budget);
}

static void body_gives_its_memory_back_when_it_was_large(void **state)
{
    struct rpw_budget budget;
    struct rpw_body body = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, 1024 * 1024);
    assert_true(rpw_body_append(&body, &budget, BODY_MAX, piece, BODY_MAX));
    rpw_body_reset(&body, &budget);
    assert_int_equal(body.capacity, 0);
    assert_int_equal(atomic_load(&budget.used), 0);
}

static void body_gives_its_memory_back_when_the_budget_is_half_used(void **state)
{
    struct rpw_budget budget;
    struct rpw_body body = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, 2 * RPW_BODY_FIRST_BYTES - 1);
    assert_true(rpw_body_append(&body, &budget, BODY_MAX, "abc", 3));
    rpw_body_reset(&body, &budget);
    assert_int_equal(body.capacity, 0);
    assert_int_equal(atomic_load(&budget.used), 0);
}

int main(void)
{
    UNIT_ADD_ROWS(address_row, address_rows);
    UNIT_ADD_ROWS(quota_row, quota_rows);
    UNIT_ADD(processors_allowed_is_at_least_one);
    UNIT_ADD_ROWS(framing_row, framing_rows);
    UNIT_ADD_ROWS(refusal_row, refusal_rows);
    UNIT_ADD(body_grows_with_what_arrives_and_never_over_its_maximum);
    UNIT_ADD(body_is_left_as_it_was_when_the_budget_refuses);
    UNIT_ADD(body_keeps_its_memory_when_it_is_small_and_the_budget_wide);
    UNIT_ADD(body_gives_its_memory_back_when_it_was_large);
    UNIT_ADD(body_gives_its_memory_back_when_the_budget_is_half_used);
    return unit_run("server_parts");
}

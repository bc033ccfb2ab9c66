/* test_server_parts.c - the small pure pieces of the server: addresses, quotas, framing, refusals, bodies, budget. */
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
    const char *headers; /* name, '=', value, '\n' each */
    const char *error;   /* NULL: none */
    uint64_t length;
    const char *version; /* NULL: HTTP/1.1 */
};

#define HOST "Host=x\n"

static const struct framing_row framing_rows[] = {
    {"framing_without_body", HOST, NULL, 0, NULL},
    {"framing_with_length", HOST "content-length=10\n", NULL, 10, NULL},
    {"framing_with_the_largest_length", HOST "Content-Length=18446744073709551615\n", NULL, UINT64_MAX, NULL},
    {"framing_with_a_length_too_large_to_hold", HOST "Content-Length=18446744073709551616\n", NULL, UINT64_MAX, NULL},
    {"framing_with_a_length_of_30_digits", HOST "Content-Length=999999999999999999999999999999\n", NULL, UINT64_MAX,
     NULL},
    {"framing_with_leading_zeros", HOST "Content-Length=0000000000000000000000007\n", NULL, 7, NULL},
    {"framing_chunked", HOST "Transfer-Encoding=Chunked\n", NULL, 0, NULL},
    {"framing_with_any_token_as_name", HOST "!#$%&'*+-.^_`|~09azAZ=\n", NULL, 0, NULL},
    {"framing_without_body_in_version_1_0", HOST, NULL, 0, "HTTP/1.0"},
    {"framing_with_both", HOST "Content-Length=1\nTransfer-Encoding=chunked\n",
     "Content-Length and Transfer-Encoding came together, expected one of them", 0, NULL},
    {"framing_with_two_lengths", HOST "Content-Length=1\nContent-Length=1\n",
     "Content-Length came 2 times, expected once", 0, NULL},
    {"framing_with_a_bad_length", HOST "Content-Length=5x\n", "Content-Length is '5x', expected a decimal number", 0,
     NULL},
    {"framing_with_a_signed_length", HOST "Content-Length=+5\n", "Content-Length is '+5', expected a decimal number", 0,
     NULL},
    {"framing_with_an_empty_length", HOST "Content-Length=\n", "Content-Length is '', expected a decimal number", 0,
     NULL},
    {"framing_with_two_encodings", HOST "Transfer-Encoding=chunked\nTransfer-Encoding=chunked\n",
     "Transfer-Encoding came 2 times, expected once", 0, NULL},
    {"framing_with_a_bad_encoding", HOST "Transfer-Encoding=gzip\n", "Transfer-Encoding is 'gzip', expected 'chunked'",
     0, NULL},
    {"framing_chunked_in_version_1_0", HOST "Transfer-Encoding=chunked\n",
     "Transfer-Encoding came in 'HTTP/1.0', expected 'HTTP/1.1'", 0, "HTTP/1.0"},
    {"framing_chunked_in_version_1_2", HOST "Transfer-Encoding=chunked\n",
     "Transfer-Encoding came in 'HTTP/1.2', expected 'HTTP/1.1'", 0, "HTTP/1.2"},
    {"framing_without_host", "", "Host came 0 times, expected once", 0, NULL},
    {"framing_with_two_hosts", HOST HOST, "Host came 2 times, expected once", 0, NULL},
    {"framing_with_a_space_after_a_name", HOST "Content-Length =5\n",
     "a header's name is 'Content-Length ', expected letters, digits and '-' up to the colon", 0, NULL},
    {"framing_with_a_tab_after_a_name", HOST "Transfer-Encoding\t=chunked\n",
     "a header's name is 'Transfer-Encoding\t', expected letters, digits and '-' up to the colon", 0, NULL},
    {"framing_with_an_empty_name", HOST "=5\n",
     "a header's name is '', expected letters, digits and '-' up to the colon", 0, NULL},
    {"framing_with_a_vertical_tab_in_a_name", HOST "Host\v=5\n",
     "a header's name is 'Host\v', expected letters, digits and '-' up to the colon", 0, NULL},
    {"framing_with_a_folded_length", HOST "content-length7=\n",
     "a header's name is 'content-length7', expected none that continues Content-Length, Transfer-Encoding or Host, as "
     "a folded line does",
     0, NULL},
    {"framing_with_a_name_that_begins_like_host", HOST "Host-Name=x\n",
     "a header's name is 'Host-Name', expected none that continues Content-Length, Transfer-Encoding or Host, as a "
     "folded line does",
     0, NULL},
    {"framing_with_a_carriage_return_in_a_value", HOST "X=a\rContent-Length: 7\n",
     "a carriage return is in the value of 'X', expected none", 0, NULL},
    {"framing_shows_40_bytes_of_what_it_found", HOST "Transfer-Encoding=01234567890123456789012345678901234567890\n",
     "Transfer-Encoding is '0123456789012345678901234567890123456789...', expected 'chunked'", 0, NULL},
};

static void framing_row(void **state)
{
    const struct framing_row *row = *state;
    struct rpw_framing framing = {.version = row->version == NULL ? "HTTP/1.1" : row->version};
    struct rpw_span headers = rpw_span_of(row->headers);
    struct rpw_span header;
    char text[RPW_FRAMING_TEXT_BYTES] = "";

    while (rpw_span_next_element(&headers, '\n', &header)) {
        struct rpw_span name;

        if (header.len == 0)
            continue;
        assert_true(rpw_span_next_element(&header, '=', &name));
        rpw_framing_add(&framing, name, (struct rpw_span){header.ptr == NULL ? "" : header.ptr, header.len});
    }
    assert_int_equal(rpw_framing_is_certain(&framing, text), row->error == NULL);
    assert_string_equal(text, row->error == NULL ? "" : row->error);
    if (row->error == NULL)
        assert_true(framing.length == row->length);
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
    {"refusal_framing_shows_no_control_characters", RPW_REFUSAL_FRAMING, "a\tb", 400, true, "bad request: a?b\n"},
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

static void body_of_a_large_size_leaves_a_quarter_to_small_ones(void **state)
{
    struct rpw_budget budget;
    struct rpw_body large = {NULL, 0, 0};
    struct rpw_body other = {NULL, 0, 0};
    struct rpw_body small = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, 2 * BODY_MAX);
    assert_true(rpw_body_append(&large, &budget, BODY_MAX, piece, BODY_MAX));
    assert_true(rpw_body_append(&other, &budget, BODY_MAX, piece, RPW_BODY_KEPT_BYTES));
    assert_false(rpw_body_append(&other, &budget, BODY_MAX, piece, 1));
    assert_int_equal(other.len, RPW_BODY_KEPT_BYTES);
    assert_int_equal(atomic_load(&budget.large_used), BODY_MAX);
    assert_true(rpw_body_append(&small, &budget, BODY_MAX, piece, RPW_BODY_FIRST_BYTES));

    rpw_body_done(&large, &budget);
    assert_int_equal(atomic_load(&budget.large_used), 0);
    assert_true(rpw_body_append(&other, &budget, BODY_MAX, piece, 1));
    assert_int_equal(atomic_load(&budget.large_used), BODY_MAX);
    rpw_body_done(&other, &budget);
    rpw_body_done(&small, &budget);
    assert_int_equal(atomic_load(&budget.used), 0);
    assert_int_equal(atomic_load(&budget.large_used), 0);
}

static void body_of_a_large_size_is_not_counted_when_the_whole_budget_refuses(void **state)
{
    struct rpw_budget budget;
    struct rpw_body small[3] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
    struct rpw_body large = {NULL, 0, 0};

    (void)state;
    rpw_budget_init(&budget, 2 * BODY_MAX);
    for (size_t i = 0; i < 3; i++)
        assert_true(rpw_body_append(&small[i], &budget, BODY_MAX, piece, i < 2 ? RPW_BODY_KEPT_BYTES : 1));
    assert_false(rpw_body_append(&large, &budget, BODY_MAX, piece, BODY_MAX));
    assert_int_equal(atomic_load(&budget.large_used), 0);
    for (size_t i = 0; i < 3; i++)
        rpw_body_done(&small[i], &budget);
    assert_int_equal(atomic_load(&budget.used), 0);
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
    UNIT_ADD(body_of_a_large_size_leaves_a_quarter_to_small_ones);
    UNIT_ADD(body_of_a_large_size_is_not_counted_when_the_whole_budget_refuses);
    UNIT_ADD(body_keeps_its_memory_when_it_is_small_and_the_budget_wide);
    UNIT_ADD(body_gives_its_memory_back_when_it_was_large);
    UNIT_ADD(body_gives_its_memory_back_when_the_budget_is_half_used);
    return unit_run("server_parts");
}

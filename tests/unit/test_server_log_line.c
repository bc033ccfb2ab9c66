/* test_server_log_line.c - lines of the log: both formats, escaping, and what happens when something is too long. */
#include "unit.h"

#include "log.h"

/* 2026-11-22T12:00:00.123Z */
static const struct timespec moment = {.tv_sec = 1795348800, .tv_nsec = 123999999};

static struct rpw_log_line line;

static void begin(enum rpw_log_format format)
{
    rpw_log_line_begin(&line, format, moment, RPW_LOG_INFO, "request");
}

static void check_line(const char *expected)
{
    rpw_log_line_end(&line);
    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.text, expected, line.len);
}

static void log_line_in_json_has_every_kind_of_field(void **state)
{
    (void)state;
    begin(RPW_LOG_JSON);
    rpw_log_line_text(&line, "uid", RPW_LIT("u-1"));
    rpw_log_line_number(&line, "operations", 18446744073709551615u);
    rpw_log_line_bool(&line, "dryRun", true);
    rpw_log_line_bool(&line, "other", false);
    rpw_log_line_milliseconds(&line, "durationMs", 1234567);
    check_line("{\"time\":\"2026-11-22T12:00:00.123Z\",\"level\":\"info\",\"message\":\"request\",\"uid\":\"u-1\","
               "\"operations\":18446744073709551615,\"dryRun\":true,\"other\":false,\"durationMs\":1.234}\n");
}

static void log_line_in_text_has_every_kind_of_field(void **state)
{
    (void)state;
    begin(RPW_LOG_TEXT);
    rpw_log_line_text(&line, "uid", RPW_LIT("u-1"));
    rpw_log_line_number(&line, "operations", 0);
    rpw_log_line_bool(&line, "dryRun", true);
    rpw_log_line_milliseconds(&line, "durationMs", 999);
    check_line("2026-11-22T12:00:00.123Z info  request uid=u-1 operations=0 dryRun=true durationMs=0.000\n");
}

static void log_line_leaves_out_what_is_absent(void **state)
{
    (void)state;
    begin(RPW_LOG_TEXT);
    rpw_log_line_text(&line, "uid", (struct rpw_span){NULL, 0});
    rpw_log_line_text(&line, "pod", RPW_LIT(""));
    check_line("2026-11-22T12:00:00.123Z info  request pod=\"\"\n");
}

struct value_row {
    const char *name;
    struct rpw_span value;
    const char *json; /* as it stands in the line */
    const char *text;
};

#define VALUE(literal)                                                                                                 \
    {                                                                                                                  \
        ("" literal), sizeof(literal) - 1                                                                              \
    }

static const struct value_row value_rows[] = {
    {"log_line_value_plain", VALUE("a-b/c.d:1"), "\"a-b/c.d:1\"", "a-b/c.d:1"},
    {"log_line_value_with_space", VALUE("a b"), "\"a b\"", "\"a b\""},
    {"log_line_value_with_equals", VALUE("a=b"), "\"a=b\"", "\"a=b\""},
    {"log_line_value_with_quote", VALUE("a\"b"), "\"a\\\"b\"", "\"a\\\"b\""},
    {"log_line_value_with_backslash", VALUE("a\\b"), "\"a\\\\b\"", "\"a\\\\b\""},
    {"log_line_value_with_newline", VALUE("a\nb"), "\"a\\nb\"", "\"a\\nb\""},
    {"log_line_value_with_nul", VALUE("a\0b"), "\"a\\u0000b\"", "\"a\\u0000b\""},
    {"log_line_value_with_escape", VALUE("\x1b[2J"), "\"\\u001b[2J\"", "\"\\u001b[2J\""},
    {"log_line_value_with_delete", VALUE("\x7f"), "\"\\u007f\"", "\"\\u007f\""},
    {"log_line_value_first_of_c1", VALUE("\xc2\x80"), "\"\\u0080\"", "\"\\u0080\""},
    {"log_line_value_control_sequence_of_c1", VALUE("\xc2\x9b[2J"), "\"\\u009b[2J\"", "\"\\u009b[2J\""},
    {"log_line_value_last_of_c1", VALUE("\xc2\x9f"), "\"\\u009f\"", "\"\\u009f\""},
    {"log_line_value_after_c1", VALUE("\xc2\xa0"), "\"\xc2\xa0\"", "\"\xc2\xa0\""},
    {"log_line_value_utf8_of_2", VALUE("\xc3\xa9"), "\"\xc3\xa9\"", "\"\xc3\xa9\""},
    {"log_line_value_utf8_of_3", VALUE("\xe2\x82\xac"), "\"\xe2\x82\xac\"", "\"\xe2\x82\xac\""},
    {"log_line_value_utf8_of_4", VALUE("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
    {"log_line_value_lone_continuation", VALUE("\x80"), "\"\\ufffd\"", "\"\\ufffd\""},
    {"log_line_value_overlong_of_2", VALUE("\xc0\xaf"), "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\""},
    {"log_line_value_overlong_of_3", VALUE("\xe0\x9f\xbf"), "\"\\ufffd\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\\ufffd\""},
    {"log_line_value_surrogate", VALUE("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\\ufffd\""},
    {"log_line_value_overlong_of_4", VALUE("\xf0\x8f\xbf\xbf"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
     "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    {"log_line_value_beyond_unicode", VALUE("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
     "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    {"log_line_value_truncated_utf8", VALUE("a\xe2\x82"), "\"a\\ufffd\\ufffd\"", "\"a\\ufffd\\ufffd\""},
    {"log_line_value_broken_third_byte", VALUE("\xe2\x82z"), "\"\\ufffd\\ufffdz\"", "\"\\ufffd\\ufffdz\""},
};

static void value_row(void **state)
{
    const struct value_row *row = *state;
    char expected[256];

    begin(RPW_LOG_JSON);
    rpw_log_line_text(&line, "v", row->value);
    snprintf(expected, sizeof(expected),
             "{\"time\":\"2026-11-22T12:00:00.123Z\",\"level\":\"info\",\"message\":\"request\",\"v\":%s}\n",
             row->json);
    check_line(expected);

    begin(RPW_LOG_TEXT);
    rpw_log_line_text(&line, "v", row->value);
    snprintf(expected, sizeof(expected), "2026-11-22T12:00:00.123Z info  request v=%s\n", row->text);
    check_line(expected);
}

static void log_line_cuts_a_long_value_and_says_so(void **state)
{
    char value[RPW_LOG_VALUE_BYTES + 1];
    char expected[RPW_LOG_VALUE_BYTES + 16];

    (void)state;
    memset(value, 'x', sizeof(value));
    begin(RPW_LOG_TEXT);
    line.len = 0;
    rpw_log_line_text(&line, "v", (struct rpw_span){value, sizeof(value)});
    snprintf(expected, sizeof(expected), " v=\"%.*s...\"", RPW_LOG_VALUE_BYTES, value);
    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.text, expected, line.len);
}

static void log_line_shows_a_value_of_the_longest_length_whole(void **state)
{
    char value[RPW_LOG_VALUE_BYTES];

    (void)state;
    memset(value, 'x', sizeof(value));
    begin(RPW_LOG_TEXT);
    line.len = 0;
    rpw_log_line_text(&line, "v", (struct rpw_span){value, sizeof(value)});
    assert_int_equal(line.len, strlen(" v=") + sizeof(value));
}

static void log_line_leaves_out_whole_fields_when_it_is_full(void **state)
{
    char value[RPW_LOG_VALUE_BYTES];
    size_t full;

    (void)state;
    memset(value, '\1', sizeof(value)); /* six bytes each in the line */
    begin(RPW_LOG_JSON);
    rpw_log_line_text(&line, "a", (struct rpw_span){value, sizeof(value)});
    full = line.len;
    rpw_log_line_text(&line, "b", (struct rpw_span){value, sizeof(value)});
    assert_int_equal(line.len, full);
    for (int i = 0; i < 1000; i++)
        rpw_log_line_number(&line, "n", 7);
    rpw_log_line_end(&line);
    assert_true(line.len <= sizeof(line.text));
    assert_memory_equal(line.text + line.len - 8, ",\"n\":7}\n", 8);
}

static void log_lines_that_clients_cause_are_limited_and_the_others_counted(void **state)
{
    const struct rpw_log log = {.format = RPW_LOG_TEXT, .level = RPW_LOG_INFO, .fd = -1};
    unsigned written = 0;

    (void)state;
    for (int i = 0; i < 10000; i++)
        written += rpw_log_begin_for_client(&log, &line, RPW_LOG_WARN, "request");
    assert_in_range(written, RPW_LOG_CLIENT_LINES, 9999);
    for (int i = 0; i < 100 && !rpw_log_begin_for_client(&log, &line, RPW_LOG_WARN, "request"); i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_non_null(memmem(line.text, line.len, "suppressedLines=", strlen("suppressedLines=")));
}

static void log_lines_that_clients_cause_have_levels(void **state)
{
    const struct rpw_log log = {.format = RPW_LOG_TEXT, .level = RPW_LOG_WARN, .fd = -1};

    (void)state;
    assert_false(rpw_log_begin_for_client(&log, &line, RPW_LOG_INFO, "request"));
}

int main(void)
{
    UNIT_ADD(log_line_in_json_has_every_kind_of_field);
    UNIT_ADD(log_line_in_text_has_every_kind_of_field);
    UNIT_ADD(log_line_leaves_out_what_is_absent);
    UNIT_ADD_ROWS(value_row, value_rows);
    UNIT_ADD(log_line_cuts_a_long_value_and_says_so);
    UNIT_ADD(log_line_shows_a_value_of_the_longest_length_whole);
    UNIT_ADD(log_line_leaves_out_whole_fields_when_it_is_full);
    UNIT_ADD(log_lines_that_clients_cause_are_limited_and_the_others_counted);
    UNIT_ADD(log_lines_that_clients_cause_have_levels);
    return unit_run("server_log_line");
}

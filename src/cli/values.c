/* values.c - small readers of command line values. */
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpw/bytes/text.h"

#define MAX_DURATION_DAYS 10000

bool rpw_number_parse(const char *text, long lowest, long highest, long *ret_number)
{
    char *end = NULL;
    long number;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    number = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < lowest || number > highest)
        return false;
    *ret_number = number;
    return true;
}

static time_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return (time_t)60 * 60;
    case 'd':
        return (time_t)24 * 60 * 60;
    default:
        return 0;
    }
}

bool rpw_duration_parse(const char *text, time_t *ret_seconds)
{
    size_t digits = strspn(text, "0123456789");
    char number[16] = "";
    time_t unit_s;
    long count;

    if (digits == 0 || digits >= sizeof(number) || text[digits] == '\0' || text[digits + 1] != '\0')
        return false;
    unit_s = unit_seconds(text[digits]);
    memcpy(number, text, digits);
    if (unit_s == 0 || !rpw_number_parse(number, 0, (long)(unit_seconds('d') * MAX_DURATION_DAYS / unit_s), &count))
        return false;
    *ret_seconds = count * unit_s;
    return true;
}

bool rpw_is_namespace_name(const char *name)
{
    return rpw_span_is_dns_label(rpw_span_of(name), RPW_DNS_MAX_LABEL_BYTES);
}

bool rpw_is_object_name(const char *name)
{
    return rpw_span_is_dns_name(rpw_span_of(name), RPW_DNS_MAX_NAME_BYTES);
}

void rpw_time_format(time_t time, char ret_text[RPW_TIME_TEXT_BYTES])
{
    struct tm fields;

    if (gmtime_r(&time, &fields) == NULL || strftime(ret_text, RPW_TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &fields) == 0)
        ret_text[0] = '\0';
}

time_t rpw_time_parse(const char *text)
{
    struct tm fields = {0};

    return strptime(text, "%Y-%m-%dT%H:%M:%SZ", &fields) != NULL ? timegm(&fields) : 0;
}

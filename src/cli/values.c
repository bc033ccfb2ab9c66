/* values.c - small readers of command line values. */
#include "values.h"

#include <stdlib.h>
#include <string.h>

bool rpw_is_namespace_name(const char *name)
{
    return rpw_span_is_dns_label(rpw_span_of(name), RPW_DNS_MAX_LABEL_BYTES);
}

const char *rpw_flag_take_namespace(void *field, const char *value)
{
    *(const char **)field = value;
    return rpw_is_namespace_name(value) ? NULL : "the name of a namespace (a-z, 0-9, -; at most 63)";
}

bool rpw_is_object_name(const char *name)
{
    return rpw_span_is_dns_name(rpw_span_of(name), RPW_DNS_MAX_NAME_BYTES);
}

const char *rpw_flag_take_object(void *field, const char *value)
{
    struct rpw_object_name *name = field;
    const char *slash = strchr(value, '/');
    size_t len = slash != NULL ? (size_t)(slash - value) : 0;

    if (len == 0 || len >= sizeof(name->namespace_))
        return "NAMESPACE/NAME";
    memcpy(name->namespace_, value, len);
    name->namespace_[len] = '\0';
    name->name = slash + 1;
    return rpw_is_namespace_name(name->namespace_) && rpw_is_object_name(name->name) ? NULL : "NAMESPACE/NAME";
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

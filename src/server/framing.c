/* framing.c - looks at the headers that say where a request ends. */
#include "framing.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_BYTES = 40 /* of a client's name or value */ };

static bool is_equal(struct rpw_span text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.ptr, name, text.len) == 0;
}

static bool begins_alike(struct rpw_span text)
{
    static const char *const names[] = {"Content-Length", "Transfer-Encoding", "Host"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text.len > strlen(names[i]) && strncasecmp(text.ptr, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* RFC 9110, section 5.6.2. */
static bool is_token(struct rpw_span name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < name.len; i++)
        if (memchr(allowed, name.ptr[i], sizeof(allowed) - 1) == NULL)
            return false;
    return name.len > 0;
}

static bool read_length(struct rpw_span value, uint64_t *ret_length)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.len; i++) {
        const unsigned digit = (unsigned)value.ptr[i] - '0';

        if (digit > 9)
            return false;
        length = length > (UINT64_MAX - digit) / 10 ? UINT64_MAX : length * 10 + digit;
    }
    *ret_length = length;
    return value.len > 0;
}

void rpw_framing_add(struct rpw_framing *framing, struct rpw_span name, struct rpw_span value)
{
    if (value.len > 0 && memchr(value.ptr, '\r', value.len) != NULL)
        framing->split_value = name;
    if (!is_token(name)) {
        framing->bad_name = name;
    } else if (begins_alike(name)) {
        framing->folded_name = name;
    } else if (is_equal(name, "Content-Length")) {
        framing->lengths++;
        if (!read_length(value, &framing->length))
            framing->bad_length = value;
    } else if (is_equal(name, "Transfer-Encoding")) {
        framing->encodings++;
        if (!is_equal(value, "chunked"))
            framing->bad_encoding = value;
    } else if (is_equal(name, "Host")) {
        framing->hosts++;
    }
}

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    /* libmicrohttpd gives no value rather than an empty one. */
    const struct rpw_span given = {value == NULL ? "" : value, value == NULL ? 0 : value_len};

    (void)kind;
    rpw_framing_add(context, (struct rpw_span){name == NULL ? "" : name, name == NULL ? 0 : name_len}, given);
    return MHD_YES;
}

void rpw_framing_read(struct MHD_Connection *mhd_connection, const char *version, struct rpw_framing *ret_framing)
{
    *ret_framing = (struct rpw_framing){.version = version};
    MHD_get_connection_values_n(mhd_connection, MHD_HEADER_KIND, on_header, ret_framing);
}

static bool uncertain_for(char text[RPW_FRAMING_TEXT_BYTES], const char *before, struct rpw_span found,
                          const char *after)
{
    snprintf(text, RPW_FRAMING_TEXT_BYTES, "%s'%.*s%s', expected %s", before,
             (int)(found.len < SHOWN_BYTES ? found.len : SHOWN_BYTES), found.ptr, found.len > SHOWN_BYTES ? "..." : "",
             after);
    return false;
}

static bool uncertain_times(char text[RPW_FRAMING_TEXT_BYTES], const char *name, unsigned times)
{
    snprintf(text, RPW_FRAMING_TEXT_BYTES, "%s came %u times, expected once", name, times);
    return false;
}

bool rpw_framing_is_certain(const struct rpw_framing *framing, char text[RPW_FRAMING_TEXT_BYTES])
{
    if (framing->bad_name.ptr != NULL)
        return uncertain_for(text, "a header's name is ", framing->bad_name, "letters, digits and '-' up to the colon");
    if (framing->folded_name.ptr != NULL)
        return uncertain_for(text, "a header's name is ", framing->folded_name,
                             "none that continues Content-Length, Transfer-Encoding or Host, as a folded line does");
    if (framing->split_value.ptr != NULL)
        return uncertain_for(text, "a carriage return is in the value of ", framing->split_value, "none");
    if (framing->lengths > 0 && framing->encodings > 0) {
        snprintf(text, RPW_FRAMING_TEXT_BYTES,
                 "Content-Length and Transfer-Encoding came together, expected one of them");
        return false;
    }
    if (framing->lengths > 1)
        return uncertain_times(text, "Content-Length", framing->lengths);
    if (framing->bad_length.ptr != NULL)
        return uncertain_for(text, "Content-Length is ", framing->bad_length, "a decimal number");
    if (framing->encodings > 1)
        return uncertain_times(text, "Transfer-Encoding", framing->encodings);
    if (framing->bad_encoding.ptr != NULL)
        return uncertain_for(text, "Transfer-Encoding is ", framing->bad_encoding, "'chunked'");
    if (framing->encodings > 0 && strcmp(framing->version, "HTTP/1.1") != 0)
        return uncertain_for(text, "Transfer-Encoding came in ", rpw_span_of(framing->version), "'HTTP/1.1'");
    if (framing->hosts != 1)
        return uncertain_times(text, "Host", framing->hosts);
    return true;
}

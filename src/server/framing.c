/* framing.c - counts the headers that say where a request ends. */
#include "framing.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS_MAX = 18 /* still fits 64 bits */ };

static bool is_header(const char *key, size_t key_len, const char *name)
{
    return key_len == strlen(name) && strncasecmp(key, name, key_len) == 0;
}

static bool read_length(const char *value, size_t len, uint64_t *ret_length)
{
    uint64_t length = 0;

    if (len == 0 || len > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    *ret_length = length;
    return true;
}

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *key, size_t key_len,
                                 const char *value, size_t value_len)
{
    struct rpw_framing *framing = context;

    (void)kind;
    if (is_header(key, key_len, "Content-Length")) {
        framing->lengths++;
        if (!read_length(value, value_len, &framing->length))
            framing->is_length_bad = true;
    } else if (is_header(key, key_len, "Transfer-Encoding")) {
        framing->encodings++;
        if (!is_header(value, value_len, "chunked"))
            framing->is_encoding_bad = true;
    } else if (is_header(key, key_len, "Host")) {
        framing->hosts++;
    }
    return MHD_YES;
}

void rpw_framing_read(struct MHD_Connection *mhd_connection, struct rpw_framing *ret_framing)
{
    *ret_framing = (struct rpw_framing){0};
    MHD_get_connection_values_n(mhd_connection, MHD_HEADER_KIND, on_header, ret_framing);
}

const char *rpw_framing_error(const struct rpw_framing *framing)
{
    if (framing->lengths > 0 && framing->encodings > 0)
        return "Content-Length and Transfer-Encoding came together, expected one of them";
    if (framing->lengths > 1)
        return "Content-Length came more than once, expected one";
    if (framing->is_length_bad)
        return "Content-Length is not a decimal number";
    if (framing->encodings > 1)
        return "Transfer-Encoding came more than once, expected one";
    if (framing->is_encoding_bad)
        return "Transfer-Encoding is unknown, expected chunked";
    if (framing->hosts == 0)
        return "Host is missing, expected one";
    if (framing->hosts > 1)
        return "Host came more than once, expected one";
    return NULL;
}

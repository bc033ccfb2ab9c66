/* utf8.c - well-formed characters, by the table of RFC 3629, section 4.
 *
 * The YAML library takes an invalid byte for the end of the file and says nothing, so the loader looks first.
 */
#include "utf8.h"

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t rpw_utf8_length(struct rpw_span text)
{
    unsigned char bytes[4] = {0};
    unsigned char second_min = 0x80, second_max = 0xbf;
    size_t length;

    if (text.len == 0)
        return 0;
    memcpy(bytes, text.ptr, text.len < sizeof(bytes) ? text.len : sizeof(bytes));
    if (bytes[0] < 0x80)
        return 1;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
        return 0;
    length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (bytes[0] == 0xe0)
        second_min = 0xa0;
    else if (bytes[0] == 0xed)
        second_max = 0x9f;
    else if (bytes[0] == 0xf0)
        second_min = 0x90;
    else if (bytes[0] == 0xf4)
        second_max = 0x8f;

    if (bytes[1] < second_min || bytes[1] > second_max)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!is_continuation(bytes[i]))
            return 0;
    return length;
}

int rpw_utf8_control(struct rpw_span text)
{
    unsigned char first = text.len > 0 ? (unsigned char)text.ptr[0] : ' ';
    unsigned char second = text.len > 1 ? (unsigned char)text.ptr[1] : ' ';

    if (first < 0x20 || first == 0x7f)
        return first;
    /* U+0080 to U+00BF are 0xc2 and a byte of the same number. */
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? second : -1;
}

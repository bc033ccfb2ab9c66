/* base64.c - OpenSSL's block functions, which know nothing of line ends and count the padding as bytes. */
#include "base64.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

char *rpw_base64_encode(struct rpw_span bytes)
{
    size_t size = 4 * ((bytes.len + 2) / 3) + 1;
    char *text = bytes.len < INT_MAX / 2 ? malloc(size) : NULL;

    if (text != NULL && EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.ptr, (int)bytes.len) < 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static size_t padding_of(const char *text, size_t len)
{
    size_t padding = 0;

    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    return padding;
}

char *rpw_base64_decode(struct rpw_span text, size_t *ret_len)
{
    char *packed = text.len < INT_MAX ? calloc(text.len + 1, 1) : NULL, *bytes = NULL;
    size_t len = 0;
    int decoded;

    if (packed == NULL)
        return NULL;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
            packed[len++] = text.ptr[i];
    bytes = malloc(len / 4 * 3 + 1);
    if (bytes == NULL || len % 4 != 0)
        goto bad;
    decoded = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)packed, (int)len);
    if (decoded < 0)
        goto bad;
    *ret_len = (size_t)decoded - padding_of(packed, len);
    bytes[*ret_len] = '\0';
    free(packed);
    return bytes;
bad:
    free(packed);
    free(bytes);
    return NULL;
}

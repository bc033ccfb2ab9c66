/* base64.c - OpenSSL's block functions, which know nothing of line ends and count the padding as bytes. */
#include "base64.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "memory.h"

char *rpw_base64_encode(struct rpw_span bytes)
{
    char *text = rpw_memory_need(malloc(4 * ((bytes.len + 2) / 3) + 1));

    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.ptr, (int)bytes.len);
    return text;
}

char *rpw_base64_decode(struct rpw_span text, size_t *ret_len)
{
    char *packed = rpw_memory_need(calloc(text.len + 2, 1)), *bytes = rpw_memory_need(malloc(text.len + 1));
    size_t len = 0;
    int decoded = -1;

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
            packed[len++] = text.ptr[i];
    if (len % 4 == 0)
        decoded = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)packed, (int)len);
    if (decoded < 0) {
        free(bytes);
        bytes = NULL;
    } else {
        while (len > 0 && decoded > 0 && packed[--len] == '=')
            decoded--;
        bytes[decoded] = '\0';
        *ret_len = (size_t)decoded;
    }
    free(packed);
    return bytes;
}

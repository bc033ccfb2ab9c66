/* documents.c - a file to a list of JSON trees.
 *
 * The YAML reader takes one document. So each is handed to it with everything before it blanked out but the line ends: then
 * the places in its messages are those of the file.
 */
#include "documents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "scalar.h"
#include "utf8.h"
#include "yaml.h"

#define MAX_YAML_MEMORY_BYTES ((size_t)256 * 1024 * 1024)
#define FIRST_READ_BYTES ((size_t)64 * 1024)

const char *rpw_documents_shown_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

/* Grows with what comes: a limit may be large. NULL: errno says why; EFBIG is the limit. */
static char *read_descriptor(int fd, size_t max_bytes, size_t *ret_len)
{
    size_t capacity = 0, len = 0;
    char *bytes = NULL;

    for (;;) {
        ssize_t got;

        if (len == capacity) {
            char *grown = realloc(bytes, capacity = capacity > 0 ? 2 * capacity : FIRST_READ_BYTES);
            if (grown == NULL)
                break;
            bytes = grown;
        }
        got = read(fd, bytes + len, capacity - len);
        if (got == 0) {
            *ret_len = len;
            return bytes;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        len += (size_t)got;
        if (len > max_bytes) {
            errno = EFBIG;
            break;
        }
    }
    free(bytes);
    return NULL;
}

char *rpw_documents_read_bytes(const char *path, size_t max_bytes, size_t *ret_len)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = fd >= 0 ? read_descriptor(fd, max_bytes, ret_len) : NULL;

    if (bytes == NULL && errno == EFBIG)
        fprintf(stderr, "%s: found more than %zu bytes, expected less\n", rpw_documents_shown_name(path), max_bytes);
    else if (bytes == NULL)
        fprintf(stderr, "%s: cannot be read: %s\n", rpw_documents_shown_name(path), strerror(errno));
    if (fd >= 0 && !is_stdin)
        close(fd);
    return bytes;
}

/* --- YAML to JSON --------------------------------------------------------------------------------------------------- */

static json_t *text_of(struct rpw_span text)
{
    return json_stringn(text.ptr != NULL ? text.ptr : "", text.len);
}

static json_t *integer_of(const struct rpw_scalar *scalar, struct rpw_span text)
{
    if (scalar->magnitude > INT64_MAX)
        return text_of(text);
    return json_integer(scalar->is_negative ? -(json_int_t)scalar->magnitude : (json_int_t)scalar->magnitude);
}

/* What YAML 1.1 and 1.2 take for different things is text here: nothing that is read in this way asks for more. */
static json_t *scalar_of(const struct rpw_yaml_node *node)
{
    struct rpw_scalar scalar = rpw_scalar_resolve(node);

    switch (scalar.type) {
    case RPW_SCALAR_NULL:
        return json_null();
    case RPW_SCALAR_BOOL:
        return json_boolean(scalar.truth);
    case RPW_SCALAR_INTEGER:
        return integer_of(&scalar, node->text);
    case RPW_SCALAR_FLOAT:
        return json_loadb(node->text.ptr, node->text.len, JSON_DECODE_ANY, NULL);
    default:
        return text_of(node->text);
    }
}

static json_t *value_of(const struct rpw_yaml_node *node);

static json_t *mapping_of(const struct rpw_yaml_node *node)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < node->count; i++) {
        char *key = strndup(node->keys[i]->text.ptr, node->keys[i]->text.len);

        if (key == NULL || json_object_set_new(object, key, value_of(node->values[i])) != 0) {
            json_decref(object);
            object = NULL;
        }
        free(key);
    }
    return object;
}

/* As deep as the YAML tree, which has a limit. NULL: no memory. */
static json_t *value_of(const struct rpw_yaml_node *node)
{
    json_t *list;

    if (node->type == RPW_YAML_MAPPING)
        return mapping_of(node);
    if (node->type != RPW_YAML_LIST)
        return scalar_of(node);
    list = json_array();
    for (size_t i = 0; list != NULL && i < node->count; i++)
        if (json_array_append_new(list, value_of(node->values[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

/* Appends the document that ends text, if it is not empty. */
static bool append_document(const char *name, struct rpw_span text, json_t *documents)
{
    const struct rpw_yaml_node *root;
    struct rpw_pool pool;
    struct rpw_report report;
    char *rendered = NULL;
    json_t *value = NULL;
    bool is_ok;

    rpw_pool_init(&pool, MAX_YAML_MEMORY_BYTES);
    rpw_report_init(&report, &pool, name, text);
    root = rpw_yaml_parse(&pool, &report, report.text, &rpw_yaml_policy_limits);
    is_ok = !pool.has_failed && !report.has_errors;
    if (is_ok && root != NULL) {
        value = value_of(root);
        is_ok = value != NULL && (json_is_null(value) || json_array_append(documents, value) == 0);
    }
    if (report.has_errors)
        rendered = rpw_report_render(&report);
    if (!is_ok)
        fprintf(stderr, "%s", rendered != NULL ? rendered : "out of memory\n");
    json_decref(value);
    free(rendered);
    rpw_pool_done(&pool);
    return is_ok;
}

/* Whether a line, given with its end, divides documents. */
static bool is_divider(const char *line, size_t len)
{
    return len >= 3 && memcmp(line, "---", 3) == 0 && (len == 3 || strchr(" \t\r\n", line[3]) != NULL);
}

static void blank(char *text, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

/* text is changed. */
static bool append_all(const char *name, char *text, size_t len, json_t *documents)
{
    size_t begin = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at + 1 : len - at;

        if (at > begin && is_divider(text + at, line_len)) {
            if (!append_document(name, (struct rpw_span){text, at}, documents))
                return false;
            blank(text, begin, at);
            begin = at;
            if (json_array_size(documents) > RPW_DOCUMENTS_MAX) {
                fprintf(stderr, "%s: found more than %d documents, expected less\n", name, RPW_DOCUMENTS_MAX);
                return false;
            }
        }
        at += line_len;
    }
    return append_document(name, (struct rpw_span){text, len}, documents);
}

static bool is_text(const char *name, struct rpw_span text)
{
    size_t line = 1;

    for (size_t at = 0; at < text.len;) {
        size_t length = rpw_utf8_length((struct rpw_span){text.ptr + at, text.len - at});

        if (length == 0 || text.ptr[at] == '\0') {
            fprintf(stderr, "%s:%zu: found the byte 0x%02x, expected text in UTF-8\n", name, line,
                    (unsigned)(unsigned char)text.ptr[at]);
            return false;
        }
        line += text.ptr[at] == '\n';
        at += length;
    }
    return true;
}

static json_t *parse_yaml(const char *name, struct rpw_span text)
{
    char *copy;
    json_t *documents;

    if (text.len > RPW_DOCUMENTS_MAX_YAML_BYTES) {
        fprintf(stderr, "%s: found more than %zu bytes of YAML, expected less, or JSON\n", name,
                RPW_DOCUMENTS_MAX_YAML_BYTES);
        return NULL;
    }
    if (!is_text(name, text))
        return NULL;
    copy = strndup(text.len > 0 ? text.ptr : "", text.len);
    documents = json_array();
    if (copy == NULL || documents == NULL || !append_all(name, copy, text.len, documents)) {
        json_decref(documents);
        documents = NULL;
    }
    free(copy);
    return documents;
}

json_t *rpw_documents_parse(const char *name, struct rpw_span text)
{
    size_t begin = 0;
    json_error_t error;
    json_t *value;

    while (begin < text.len && strchr(" \t\r\n", text.ptr[begin]) != NULL && text.ptr[begin] != '\0')
        begin++;
    if (begin == text.len || text.ptr[begin] != '{')
        return parse_yaml(name, text);
    value = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, &error);
    if (value != NULL)
        return json_pack("[o]", value);
    /* A flow mapping of YAML begins like JSON. */
    if (text.len <= RPW_DOCUMENTS_MAX_YAML_BYTES)
        return parse_yaml(name, text);
    fprintf(stderr, "%s:%d:%d: this is not JSON: %s\n", name, error.line, error.column, error.text);
    return NULL;
}

json_t *rpw_documents_read(const char *path, size_t max_bytes)
{
    size_t len = 0;
    char *bytes = rpw_documents_read_bytes(path, max_bytes, &len);
    json_t *documents =
        bytes != NULL ? rpw_documents_parse(rpw_documents_shown_name(path), (struct rpw_span){bytes, len}) : NULL;

    free(bytes);
    return documents;
}

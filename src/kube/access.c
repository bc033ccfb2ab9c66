/* access.c - the texts of an access, from files and from a kubeconfig's three lists: a context names a cluster and a user. */
#include "access.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base64.h"

static bool fail(char ret_error[RPW_KUBE_ERROR_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char ret_error[RPW_KUBE_ERROR_BYTES], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(ret_error, RPW_KUBE_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

void rpw_kube_free_secret(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void rpw_kube_access_done(struct rpw_kube_access *access)
{
    free(access->server);
    free(access->ca);
    free(access->client_certificate);
    rpw_kube_free_secret(access->client_key);
    rpw_kube_free_secret(access->token);
    free(access->token_file);
    *access = (struct rpw_kube_access){.server = NULL};
}

/* -1 after ret_error. Opening a FIFO would wait for its writer, without an end. */
static int open_regular_file(const char *path, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0)
        fail(ret_error, "%s: cannot be read: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        fail(ret_error, "%s: is no regular file", path);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The whole file as a string; NULL after ret_error. */
static char *read_file(const char *path, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    int fd = open_regular_file(path, ret_error);
    char *text = malloc(RPW_KUBE_MAX_FILE_BYTES + 1), *result = NULL;
    size_t len = 0;
    ssize_t got = 1;

    if (fd < 0)
        goto out;
    while (text != NULL && got > 0 && len < RPW_KUBE_MAX_FILE_BYTES) {
        got = read(fd, text + len, RPW_KUBE_MAX_FILE_BYTES - len);
        len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        fail(ret_error, "%s: cannot be read: %s", path, strerror(errno));
    } else if (text == NULL) {
        fail(ret_error, "out of memory");
    } else if (len == RPW_KUBE_MAX_FILE_BYTES) {
        fail(ret_error, "%s: found 1 MiB or more, expected a few kilobytes", path);
    } else {
        text[len] = '\0';
        result = text;
        text = NULL;
    }
out:
    if (fd >= 0)
        close(fd);
    free(text);
    return result;
}

/* --- in a pod ------------------------------------------------------------------------------------------------------- */

bool rpw_kube_access_in_cluster(const char *folder, const char *host, const char *port,
                                struct rpw_kube_access *ret_access, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    bool is_ipv6 = strchr(host, ':') != NULL;
    struct rpw_kube_access access = {.server = NULL};
    char *ca_file = NULL, *token = NULL;
    bool is_ok = false;

    if (asprintf(&access.server, "https://%s%s%s:%s", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port) < 0)
        access.server = NULL;
    if (asprintf(&access.token_file, "%s/token", folder) < 0)
        access.token_file = NULL;
    if (asprintf(&ca_file, "%s/ca.crt", folder) < 0)
        ca_file = NULL;
    if (access.server == NULL || access.token_file == NULL || ca_file == NULL) {
        fail(ret_error, "out of memory");
        goto out;
    }
    access.ca = read_file(ca_file, ret_error);
    token = access.ca != NULL ? rpw_kube_access_token(&access, ret_error) : NULL;
    is_ok = token != NULL;
out:
    rpw_kube_free_secret(token);
    free(ca_file);
    if (is_ok)
        *ret_access = access;
    else
        rpw_kube_access_done(&access);
    return is_ok;
}

/* A token becomes a line of the request's head, so it must be one. */
static char *trim_token(char *token, const char *name, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    size_t len = strlen(token), begin = 0;

    while (len > 0 && isspace((unsigned char)token[len - 1]))
        token[--len] = '\0';
    while (isspace((unsigned char)token[begin]))
        begin++;
    memmove(token, token + begin, len - begin + 1);
    for (const char *c = token; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~') {
            fail(ret_error, "%s: found a token with a byte that no token has", name);
            rpw_kube_free_secret(token);
            return NULL;
        }
    if (token[0] != '\0')
        return token;
    fail(ret_error, "%s: found nothing, expected a token", name);
    rpw_kube_free_secret(token);
    return NULL;
}

char *rpw_kube_access_token(const struct rpw_kube_access *access, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    char *token;

    ret_error[0] = '\0';
    if (access->token_file != NULL) {
        token = read_file(access->token_file, ret_error);
        return token != NULL ? trim_token(token, access->token_file, ret_error) : NULL;
    }
    if (access->token == NULL)
        return NULL;
    token = strdup(access->token);
    return token != NULL ? trim_token(token, "the kubeconfig", ret_error) : (fail(ret_error, "out of memory"), NULL);
}

/* --- kubeconfig ----------------------------------------------------------------------------------------------------- */

/* What is being read, for errors and for relative file names. */
struct source {
    const char *name; /* of the kubeconfig */
    const char *list; /* "clusters" ... */
    const char *entry;
    const json_t *fields;
    char *error;
};

/* The entry of the list with that name; its fields are in the member called kind. */
static bool find_entry(const json_t *kubeconfig, const char *kind, struct source *source)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(kubeconfig, source->list), index, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));

        if (name == NULL || strcmp(name, source->entry) != 0)
            continue;
        source->fields = json_object_get(item, kind);
        if (json_is_object(source->fields))
            return true;
        return fail(source->error, "%s: %s: found '%s' without a mapping called '%s'", source->name, source->list,
                    source->entry, kind);
    }
    return fail(source->error, "%s: %s: found no entry called '%s'", source->name, source->list, source->entry);
}

/* A text; NULL when it is not there or empty, or after an error, which *is_ok says. */
static const char *text_field(const struct source *source, const char *key, bool *is_ok)
{
    const json_t *value = json_object_get(source->fields, key);
    const char *text = json_string_value(value);

    if (value != NULL && !json_is_null(value) && text == NULL)
        *is_ok = fail(source->error, "%s: %s: %s: %s: expected text", source->name, source->list, source->entry, key);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static char *resolve_path(const struct source *source, const char *path)
{
    const char *slash = strrchr(source->name, '/');
    char *resolved = NULL;

    if (path[0] == '/' || slash == NULL)
        return strdup(path);
    return asprintf(&resolved, "%.*s/%s", (int)(slash - source->name), source->name, path) >= 0 ? resolved : NULL;
}

static char *read_data(const struct source *source, const char *key, const char *data, bool *is_ok)
{
    size_t len = 0;
    char *text = rpw_base64_decode(rpw_span_of(data), &len);

    if (text == NULL)
        *is_ok = fail(source->error, "%s: %s: %s: %s: expected base64", source->name, source->list, source->entry, key);
    return text;
}

static char *read_relative_file(const struct source *source, const char *path, bool *is_ok)
{
    char *resolved = resolve_path(source, path);
    char *text = resolved != NULL ? read_file(resolved, source->error) : NULL;

    if (resolved == NULL)
        fail(source->error, "out of memory");
    *is_ok = *is_ok && text != NULL;
    free(resolved);
    return text;
}

/* KEY-data in base64, which wins, or the file that KEY names. NULL when there is neither, or after an error. */
static char *read_pem(const struct source *source, const char *key, bool *is_ok)
{
    char data_key[64];
    const char *data, *path;

    snprintf(data_key, sizeof(data_key), "%s-data", key);
    data = text_field(source, data_key, is_ok);
    path = text_field(source, key, is_ok);
    if (!*is_ok || (data == NULL && path == NULL))
        return NULL;
    return data != NULL ? read_data(source, data_key, data, is_ok) : read_relative_file(source, path, is_ok);
}

/* kubectl writes such values for what is not set. */
static bool is_unset(const json_t *value)
{
    const char *text = json_string_value(value);

    return value == NULL || json_is_null(value) || (text != NULL && text[0] == '\0') ||
           (json_is_array(value) && json_array_size(value) == 0);
}

/* What would change who we are or where we go, and is not done here. */
static bool refuse_fields(const struct source *source, const char *const *keys, const char *instead)
{
    for (size_t i = 0; keys[i] != NULL; i++)
        if (!is_unset(json_object_get(source->fields, keys[i])))
            return fail(source->error, "%s: %s: %s: found '%s', which is not supported here; expected %s", source->name,
                        source->list, source->entry, keys[i], instead);
    return true;
}

static bool read_server(const struct source *source, struct rpw_kube_access *access)
{
    bool is_ok = true;
    const char *server = text_field(source, "server", &is_ok);
    size_t len = server != NULL ? strlen(server) : 0;

    if (!is_ok)
        return false;
    if (server == NULL || strncmp(server, "https://", 8) != 0 || strchr("/:", server[8]) != NULL ||
        strpbrk(server, " ?#@") != NULL)
        return fail(source->error, "%s: clusters: %s: server: found '%s', expected https://HOST:PORT", source->name,
                    source->entry, server != NULL ? server : "");
    while (server[len - 1] == '/')
        len--;
    access->server = strndup(server, len);
    return access->server != NULL || fail(source->error, "out of memory");
}

static bool read_cluster(const struct source *source, struct rpw_kube_access *access)
{
    static const char *const unsupported[] = {"proxy-url", "tls-server-name", NULL};
    const json_t *insecure = json_object_get(source->fields, "insecure-skip-tls-verify");
    bool is_ok = true;

    if (!refuse_fields(source, unsupported, "a server that can be reached directly under its own name") ||
        !read_server(source, access))
        return false;
    if (!is_unset(insecure) && !json_is_boolean(insecure))
        return fail(source->error, "%s: clusters: %s: insecure-skip-tls-verify: expected true or false", source->name,
                    source->entry);
    access->is_insecure = json_is_true(insecure);
    access->ca = read_pem(source, "certificate-authority", &is_ok);
    return is_ok;
}

static bool read_user(const struct source *source, struct rpw_kube_access *access)
{
    static const char *const unsupported[] = {"exec",   "auth-provider", "username",      "password", "as",
                                              "as-uid", "as-groups",     "as-user-extra", NULL};
    const char *token, *token_file;
    bool is_ok = true;

    if (!refuse_fields(source, unsupported,
                       "token, tokenFile, or client-certificate and client-key; `kubectl create token` makes a token"))
        return false;
    access->client_certificate = read_pem(source, "client-certificate", &is_ok);
    access->client_key = is_ok ? read_pem(source, "client-key", &is_ok) : NULL;
    if (!is_ok)
        return false;
    if ((access->client_certificate == NULL) != (access->client_key == NULL))
        return fail(source->error, "%s: users: %s: found client-certificate or client-key, expected both or neither",
                    source->name, source->entry);
    token_file = text_field(source, "tokenFile", &is_ok);
    token = text_field(source, "token", &is_ok);
    if (!is_ok)
        return false;
    access->token_file = token_file != NULL ? resolve_path(source, token_file) : NULL;
    access->token = token_file == NULL && token != NULL ? strdup(token) : NULL;
    return true;
}

bool rpw_kube_access_from_kubeconfig(const json_t *kubeconfig, const char *name, struct rpw_kube_access *ret_access,
                                     char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct rpw_kube_access access = {.server = NULL};
    struct source source = {name, "contexts", json_string_value(json_object_get(kubeconfig, "current-context")), NULL,
                            ret_error};
    const char *cluster, *user;
    bool is_ok = false;

    if (source.entry == NULL || source.entry[0] == '\0')
        return fail(ret_error, "%s: current-context: found nothing, expected the name of a context", name);
    if (!find_entry(kubeconfig, "context", &source))
        return false;
    cluster = json_string_value(json_object_get(source.fields, "cluster"));
    user = json_string_value(json_object_get(source.fields, "user"));
    source.list = "clusters";
    source.entry = cluster != NULL ? cluster : "";
    if (!find_entry(kubeconfig, "cluster", &source) || !read_cluster(&source, &access))
        goto out;
    source.list = "users";
    source.entry = user != NULL ? user : "";
    if (user != NULL && user[0] != '\0' && (!find_entry(kubeconfig, "user", &source) || !read_user(&source, &access)))
        goto out;
    *ret_access = access;
    is_ok = true;
out:
    if (!is_ok)
        rpw_kube_access_done(&access);
    return is_ok;
}

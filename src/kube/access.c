/* access.c - reads the files that a pod is given, or a person names. */
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

#define MAX_NAME_BYTES 4096

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
    free(access->token_file);
    *access = (struct rpw_kube_access){.server = NULL};
}

/* The whole file as a string; NULL after ret_error. Opening a FIFO would wait for its writer, without an end. */
static char *read_file(const char *path, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    char *text = NULL;
    ssize_t len = -1;

    if (fd >= 0 && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
        fail(ret_error, "%s: is no regular file", path);
    } else if (fd >= 0 && (size_t)status.st_size >= RPW_KUBE_MAX_FILE_BYTES) {
        fail(ret_error, "%s: found 1 MiB or more, expected a few kilobytes", path);
    } else {
        text = calloc(1, RPW_KUBE_MAX_FILE_BYTES + 1);
        len = fd >= 0 && text != NULL ? read(fd, text, RPW_KUBE_MAX_FILE_BYTES) : -1;
        if (len < 0)
            fail(ret_error, "%s: cannot be read: %s", path, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    if (len >= 0)
        return text;
    free(text);
    return NULL;
}

/* --- tokens --------------------------------------------------------------------------------------------------------- */

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
    char *token = read_file(access->token_file, ret_error);

    return token != NULL ? trim_token(token, access->token_file, ret_error) : NULL;
}

/* --- where from ----------------------------------------------------------------------------------------------------- */

bool rpw_kube_access_from_files(const char *server, const char *authority_file, const char *token_file,
                                struct rpw_kube_access *ret_access, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct rpw_kube_access access = {.server = NULL};
    size_t len = strlen(server);
    char *token = NULL;
    bool is_ok = false;

    if (strncmp(server, "https://", 8) != 0 || server[8] == '\0' || strchr("/:", server[8]) != NULL ||
        strpbrk(server, " ?#@") != NULL)
        return fail(ret_error, "found the server '%s', expected https://HOST:PORT", server);
    while (server[len - 1] == '/')
        len--;
    access.server = strndup(server, len);
    access.token_file = strdup(token_file);
    if (access.server == NULL || access.token_file == NULL) {
        fail(ret_error, "out of memory");
        goto out;
    }
    access.ca = authority_file != NULL ? read_file(authority_file, ret_error) : NULL;
    if (authority_file == NULL || access.ca != NULL)
        token = rpw_kube_access_token(&access, ret_error);
    is_ok = token != NULL;
out:
    rpw_kube_free_secret(token);
    if (is_ok)
        *ret_access = access;
    else
        rpw_kube_access_done(&access);
    return is_ok;
}

bool rpw_kube_access_in_cluster(const char *folder, const char *host, const char *port,
                                struct rpw_kube_access *ret_access, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    bool is_ipv6 = strchr(host, ':') != NULL;
    char server[MAX_NAME_BYTES], token_file[MAX_NAME_BYTES], authority_file[MAX_NAME_BYTES];

    snprintf(server, sizeof(server), "https://%s%s%s:%s", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
    snprintf(token_file, sizeof(token_file), "%s/token", folder);
    snprintf(authority_file, sizeof(authority_file), "%s/ca.crt", folder);
    return rpw_kube_access_from_files(server, authority_file, token_file, ret_access, ret_error);
}

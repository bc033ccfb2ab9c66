/* client.c - libcurl's easy interface, one handle kept for all calls so that the connection is kept too. */
#include "client.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DESCRIPTION_BYTES 512

struct rpw_kube_client {
    struct rpw_kube_access access;
    CURL *curl;
    char curl_error[CURL_ERROR_SIZE];
};

/* The bytes of an answer as they come. */
struct answer {
    FILE *out;
    size_t len;
    bool is_too_long;
};

static enum rpw_kube_result fail(char ret_error[RPW_KUBE_ERROR_BYTES], const char *what, const char *detail)
{
    snprintf(ret_error, RPW_KUBE_ERROR_BYTES, "%s%s", what, detail);
    return RPW_KUBE_FAILED;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct answer *answer = context;

    answer->len += size * count;
    answer->is_too_long = answer->len > RPW_KUBE_MAX_ANSWER_BYTES;
    return answer->is_too_long ? 0 : fwrite(bytes, 1, size * count, answer->out);
}

/* --- words for refused calls ---------------------------------------------------------------------------------------- */

static const char *const verb_words[] = {
    [RPW_KUBE_GET] = "get",
    [RPW_KUBE_LIST] = "list",
    [RPW_KUBE_CREATE] = "create",
    [RPW_KUBE_PATCH] = "patch",
};

/* "patch secrets 'rucio/ca'": what was asked, in the words of RBAC. */
static void describe(const struct rpw_kube_request *request, char *ret_text, size_t size)
{
    const char *name = request->name;

    if (request->verb == RPW_KUBE_CREATE)
        name = json_string_value(json_object_get(json_object_get(request->body, "metadata"), "name"));
    snprintf(ret_text, size, "%s %s%s%s%s%s%s", verb_words[request->verb], request->resource, name != NULL ? " '" : "",
             name != NULL ? name : "", name != NULL ? "'" : "", request->namespace_ != NULL ? " in namespace " : "",
             request->namespace_ != NULL ? request->namespace_ : "");
}

/* RBAC cannot restrict create and list by name. */
static void print_rule(const struct rpw_kube_request *request, char *text, size_t size)
{
    int len = snprintf(text, size, "\nThis rule allows it, in a %s%s:\n\n- apiGroups: [\"%s\"]\n  resources: [%s]\n",
                       request->namespace_ != NULL ? "Role in namespace " : "ClusterRole",
                       request->namespace_ != NULL ? request->namespace_ : "", request->group, request->resource);

    if (request->name != NULL && (size_t)len < size)
        len += snprintf(text + len, size - (size_t)len, "  resourceNames: [%s]\n", request->name);
    if ((size_t)len < size)
        snprintf(text + len, size - (size_t)len, "  verbs: [%s]", verb_words[request->verb]);
}

/* What comes from elsewhere and goes to a terminal. */
static void replace_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* An answer other than 2xx: in the apiserver's words, which are in its Status, and for a 403 with the rule to add. */
static void explain(const struct rpw_kube_request *request, long http_status, struct rpw_kube_text answer,
                    char ret_error[RPW_KUBE_ERROR_BYTES])
{
    json_t *body = json_loadb(answer.bytes, answer.len, JSON_ALLOW_NUL, NULL);
    const char *message = json_string_value(json_object_get(body, "message"));
    char what[MAX_DESCRIPTION_BYTES];
    int len;

    describe(request, what, sizeof(what));
    len = snprintf(ret_error, RPW_KUBE_ERROR_BYTES, "the apiserver does not %s: %ld: %.700s", what, http_status,
                   message != NULL ? message : "(without a message)");
    replace_controls(ret_error);
    if (http_status == 401)
        snprintf(ret_error + len, RPW_KUBE_ERROR_BYTES - (size_t)len, " (it does not accept the token)");
    if (http_status == 403)
        print_rule(request, ret_error + len, RPW_KUBE_ERROR_BYTES - (size_t)len);
    json_decref(body);
}

/* --- the client ----------------------------------------------------------------------------------------------------- */

/* What is the same for every call. */
static void set_up(struct rpw_kube_client *client)
{
    struct curl_blob authority = {client->access.ca, client->access.ca != NULL ? strlen(client->access.ca) : 0,
                                  CURL_BLOB_NOCOPY};
    CURL *curl = client->curl;

    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, RPW_KUBE_CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, RPW_KUBE_CALL_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "rucio-policy-webhook/" RPW_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or later */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (client->access.ca != NULL) {
        /* Only the cluster's authority: the system's would be asked too. */
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authority);
    }
}

struct rpw_kube_client *rpw_kube_client_new(struct rpw_kube_access *take_access, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct rpw_kube_client *client = calloc(1, sizeof(*client));

    if (client == NULL || (client->curl = curl_easy_init()) == NULL) {
        free(client);
        rpw_kube_access_done(take_access);
        fail(ret_error, "out of memory", "");
        return NULL;
    }
    /* libcurl is told to leave signals alone, and so leaves this one to us. */
    signal(SIGPIPE, SIG_IGN);
    client->access = *take_access;
    *take_access = (struct rpw_kube_access){.server = NULL};
    set_up(client);
    return client;
}

void rpw_kube_client_free(struct rpw_kube_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    rpw_kube_access_done(&client->access);
    free(client);
}

/* --- a request ------------------------------------------------------------------------------------------------------ */

/* The path of request, with its query; what is in it was checked to need no escaping, but for the continuation. */
static char *new_url(const struct rpw_kube_client *client, const struct rpw_kube_request *request)
{
    const char *group = request->group, *namespace_ = request->namespace_;
    bool has_name = request->verb == RPW_KUBE_GET || request->verb == RPW_KUBE_PATCH;
    char *next = request->next != NULL ? curl_easy_escape(client->curl, request->next, 0) : NULL, *url = NULL;
    char limit[32] = "";
    int len;

    if (request->limit > 0)
        snprintf(limit, sizeof(limit), "?limit=%u", request->limit);
    len = asprintf(&url, "%s/%s%s/v1%s%s/%s%s%s%s%s%s", client->access.server, group[0] == '\0' ? "api" : "apis/",
                   group, namespace_ != NULL ? "/namespaces/" : "", namespace_ != NULL ? namespace_ : "",
                   request->resource, has_name ? "/" : "", has_name ? request->name : "", limit,
                   next != NULL ? "&continue=" : "", next != NULL ? next : "");
    curl_free(next);
    return len >= 0 ? url : NULL;
}

static const char *content_type_of(const struct rpw_kube_request *request)
{
    return request->verb == RPW_KUBE_CREATE ? "Content-Type: application/json"
           : json_is_array(request->body)   ? "Content-Type: application/json-patch+json"
                                            : "Content-Type: application/merge-patch+json";
}

/* Appends a copy of line; false leaves *headers as it was. */
static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = line != NULL ? curl_slist_append(*headers, line) : NULL;

    if (longer == NULL)
        return false;
    *headers = longer;
    return true;
}

static bool add_token(const struct rpw_kube_client *client, struct curl_slist **headers,
                      char ret_error[RPW_KUBE_ERROR_BYTES])
{
    char *token = rpw_kube_access_token(&client->access, ret_error), *line = NULL;
    bool is_ok;

    if (token == NULL)
        return false;
    if (asprintf(&line, "Authorization: Bearer %s", token) < 0)
        line = NULL;
    is_ok = add_header(headers, line);
    rpw_kube_free_secret(line);
    rpw_kube_free_secret(token);
    return is_ok || (fail(ret_error, "out of memory", ""), false);
}

/* libcurl's list keeps copies of the token. */
static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *item = headers; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(headers);
}

static enum rpw_kube_result result_of(long http_status)
{
    return http_status == 200 || http_status == 201 ? RPW_KUBE_OK
           : http_status == 404                     ? RPW_KUBE_NOT_FOUND
           : http_status == 409                     ? RPW_KUBE_CONFLICT
           : http_status == 410                     ? RPW_KUBE_GONE
                                                    : RPW_KUBE_FAILED;
}

/* The answer's text is set in any case; its owner is the caller. */
static enum rpw_kube_result perform(struct rpw_kube_client *client, struct rpw_kube_text *ret_answer,
                                    long *ret_http_status, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct answer answer = {.out = open_memstream(&ret_answer->bytes, &ret_answer->len)};
    CURLcode code;

    if (answer.out == NULL)
        return fail(ret_error, "out of memory", "");
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &answer);
    client->curl_error[0] = '\0';
    code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, ret_http_status);
    if (fclose(answer.out) != 0)
        return fail(ret_error, "out of memory", "");
    if (answer.is_too_long)
        return fail(ret_error, client->access.server, ": found an answer of more than 64 MiB");
    if (code == CURLE_OK)
        return result_of(*ret_http_status);
    snprintf(ret_error, RPW_KUBE_ERROR_BYTES, "%s cannot be asked: %s", client->access.server,
             client->curl_error[0] != '\0' ? client->curl_error : curl_easy_strerror(code));
    return RPW_KUBE_FAILED;
}

/* The apiserver asks for patience, and has done nothing. */
static bool must_try_again(CURL *curl, long http_status, int tries)
{
    curl_off_t seconds = 0;

    if ((http_status != 429 && http_status != 503) || tries >= RPW_KUBE_MAX_TRIES)
        return false;
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
    sleep(seconds < 1 ? 1 : seconds < RPW_KUBE_MAX_RETRY_PAUSE_S ? (unsigned)seconds : RPW_KUBE_MAX_RETRY_PAUSE_S);
    return true;
}

/* The method and the body. A body is kept by the caller until the call is over. */
static void set_body(CURL *curl, const struct rpw_kube_request *request, const char *body)
{
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
    if (body == NULL)
        return;
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (request->verb == RPW_KUBE_PATCH)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PATCH");
}

enum rpw_kube_result rpw_kube_fetch(struct rpw_kube_client *client, const struct rpw_kube_request *request,
                                    struct rpw_kube_text *ret_answer, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    char *url = new_url(client, request);
    char *body = request->body != NULL ? json_dumps(request->body, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    struct curl_slist *headers = NULL;
    enum rpw_kube_result result = RPW_KUBE_FAILED;
    struct rpw_kube_text answer = {NULL, 0};
    long http_status = 0;

    ret_error[0] = '\0';
    if (url == NULL || (body == NULL) != (request->body == NULL) || !add_header(&headers, "Accept: application/json") ||
        !add_header(&headers, "Expect:") || (body != NULL && !add_header(&headers, content_type_of(request)))) {
        fail(ret_error, "out of memory", "");
        goto out;
    }
    if (!add_token(client, &headers, ret_error))
        goto out;
    set_body(client->curl, request, body);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    for (int tries = 1;; tries++) {
        result = perform(client, &answer, &http_status, ret_error);
        if (ret_error[0] != '\0' || !must_try_again(client->curl, http_status, tries))
            break;
        free(answer.bytes);
        answer.bytes = NULL;
    }
    if (result != RPW_KUBE_OK && ret_error[0] == '\0')
        explain(request, http_status, answer, ret_error);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, NULL);
out:
    if (result == RPW_KUBE_OK)
        *ret_answer = answer;
    else
        free(answer.bytes);
    free_headers(headers);
    rpw_kube_free_secret(body);
    free(url);
    return result;
}

enum rpw_kube_result rpw_kube_call(struct rpw_kube_client *client, const struct rpw_kube_request *request,
                                   json_t **ret_answer, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct rpw_kube_text text = {NULL, 0};
    enum rpw_kube_result result = rpw_kube_fetch(client, request, &text, ret_error);
    char what[MAX_DESCRIPTION_BYTES];
    json_t *body =
        result == RPW_KUBE_OK && text.len > 0 ? json_loadb(text.bytes, text.len, JSON_ALLOW_NUL, NULL) : NULL;

    if (text.bytes != NULL)
        explicit_bzero(text.bytes, text.len); /* a Secret may be in it */
    free(text.bytes);
    if (result == RPW_KUBE_OK && !json_is_object(body)) {
        describe(request, what, sizeof(what));
        result = fail(ret_error, "the server's answer is no JSON object; is this an apiserver? The call was: ", what);
        json_decref(body);
    } else if (result == RPW_KUBE_OK) {
        *ret_answer = body;
    }
    return result;
}

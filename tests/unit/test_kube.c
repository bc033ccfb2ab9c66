/* test_kube.c - access.h in a pod, base64.h: what needs no server. Kubeconfigs and calls are in tests/integration. */
#include "access.h"
#include "base64.h"

#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static const struct base64_row {
    const char *name;
    const char *text;
    const char *bytes; /* NULL: no base64 */
} base64_rows[] = {
    {"base64_of_nothing", "", ""},
    {"base64_with_two_signs_of_padding", "YQ==", "a"},
    {"base64_with_one_sign_of_padding", "YWI=", "ab"},
    {"base64_without_padding", "YWJj", "abc"},
    {"base64_in_lines", "YW\nJj\r\n", "abc"},
    {"base64_too_short", "YWJ", NULL},
    {"base64_with_a_foreign_sign", "YW*j", NULL},
};

static void base64_is_decoded(void **state)
{
    const struct base64_row *row = *state;
    size_t len = 99;
    char *bytes = rpw_base64_decode(rpw_span_of(row->text), &len);

    if (row->bytes == NULL) {
        assert_null(bytes);
        return;
    }
    assert_non_null(bytes);
    assert_string_equal(bytes, row->bytes);
    assert_int_equal(len, strlen(row->bytes));
    free(bytes);
}

static void base64_comes_back_as_it_was(void **unused)
{
    char *text = rpw_base64_encode(RPW_LIT("\0\xff\x80z")), *bytes;
    size_t len = 0;

    (void)unused;
    bytes = rpw_base64_decode(rpw_span_of(text), &len);
    assert_int_equal(len, 4);
    assert_memory_equal(bytes, "\0\xff\x80z", 4);
    free(bytes);
    free(text);
}

/* --- a pod's ServiceAccount ------------------------------------------------------------------------------------------- */

struct folder {
    char path[64];
};

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct folder make_folder(void)
{
    struct folder folder = {"/tmp/rpw-unit-XXXXXX"};

    assert_non_null(mkdtemp(folder.path));
    return folder;
}

static void remove_folder(const struct folder *folder)
{
    static const char *const names[] = {"ca.crt", "token"};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
        unlink(path);
    }
    rmdir(folder->path);
}

static void access_in_a_pod_reads_the_token_each_time(void **unused)
{
    struct folder folder = make_folder();
    struct rpw_kube_access access = {.server = NULL};
    char error[RPW_KUBE_ERROR_BYTES], *token;

    (void)unused;
    write_file(&folder, "ca.crt", "the authority");
    write_file(&folder, "token", "one\n");
    assert_true(rpw_kube_access_in_cluster(folder.path, "10.96.0.1", "443", &access, error));
    assert_string_equal(access.server, "https://10.96.0.1:443");
    assert_string_equal(access.ca, "the authority");
    write_file(&folder, "token", "two\n");
    token = rpw_kube_access_token(&access, error);
    assert_string_equal(token, "two");
    rpw_kube_free_secret(token);
    rpw_kube_access_done(&access);
    remove_folder(&folder);
}

static void access_in_a_pod_puts_brackets_around_an_ipv6_address(void **unused)
{
    struct folder folder = make_folder();
    struct rpw_kube_access access = {.server = NULL};
    char error[RPW_KUBE_ERROR_BYTES];

    (void)unused;
    write_file(&folder, "ca.crt", "x");
    write_file(&folder, "token", "x");
    assert_true(rpw_kube_access_in_cluster(folder.path, "fd00::1", "6443", &access, error));
    assert_string_equal(access.server, "https://[fd00::1]:6443");
    rpw_kube_access_done(&access);
    remove_folder(&folder);
}

static void access_in_a_pod_names_the_file_that_is_missing(void **unused)
{
    struct folder folder = make_folder();
    struct rpw_kube_access access = {.server = NULL};
    char error[RPW_KUBE_ERROR_BYTES];

    (void)unused;
    assert_false(rpw_kube_access_in_cluster(folder.path, "h", "1", &access, error));
    assert_non_null(strstr(error, "/ca.crt: cannot be read: No such file"));
    write_file(&folder, "ca.crt", "x");
    assert_false(rpw_kube_access_in_cluster(folder.path, "h", "1", &access, error));
    assert_non_null(strstr(error, "/token: cannot be read: No such file"));
    assert_null(access.server);
    remove_folder(&folder);
}

int main(void)
{
    UNIT_ADD_ROWS(base64_is_decoded, base64_rows);
    UNIT_ADD(base64_comes_back_as_it_was);
    UNIT_ADD(access_in_a_pod_reads_the_token_each_time);
    UNIT_ADD(access_in_a_pod_puts_brackets_around_an_ipv6_address);
    UNIT_ADD(access_in_a_pod_names_the_file_that_is_missing);
    return unit_run("kube");
}

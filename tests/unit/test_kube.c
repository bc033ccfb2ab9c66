/* test_kube.c - access.h in a pod: what needs no server. Calls are in tests/integration. */
#include "access.h"

#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

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
    UNIT_ADD(access_in_a_pod_reads_the_token_each_time);
    UNIT_ADD(access_in_a_pod_puts_brackets_around_an_ipv6_address);
    UNIT_ADD(access_in_a_pod_names_the_file_that_is_missing);
    return unit_run("kube");
}

/* test_server_reload.c - what the server's reloading rests on: counted snapshots, files, and the counters that outlive a configuration. */
#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "current.h"
#include "file.h"
#include "metrics.h"
#include "policies.h"

enum { PATIENCE_MS = 60000, PATH_BYTES = 256 };

/* --- current ------------------------------------------------------------------------------------------------------ */

struct thing {
    struct rpw_shared shared;
    bool *is_gone;
};

static void destroy_thing(struct rpw_shared *shared)
{
    *((struct thing *)shared)->is_gone = true;
}

static void current_has_no_value_at_first(void **state)
{
    struct rpw_current current;

    (void)state;
    rpw_current_init(&current);
    assert_false(rpw_current_is_set(&current));
    assert_null(rpw_current_ref(&current));
    rpw_current_done(&current);
}

static void current_keeps_a_replaced_value_for_those_who_use_it(void **state)
{
    bool is_gone[2] = {false, false};
    struct thing things[2] = {{.is_gone = &is_gone[0]}, {.is_gone = &is_gone[1]}};
    struct rpw_current current;
    struct rpw_shared *used;

    (void)state;
    rpw_current_init(&current);
    rpw_shared_init(&things[0].shared, destroy_thing);
    rpw_shared_init(&things[1].shared, destroy_thing);
    rpw_current_set(&current, &things[0].shared);
    used = rpw_current_ref(&current);
    assert_ptr_equal(used, &things[0].shared);
    rpw_current_set(&current, &things[1].shared);
    assert_false(is_gone[0]);
    rpw_shared_unref(used);
    assert_true(is_gone[0]);
    assert_false(is_gone[1]);
    rpw_current_done(&current);
    assert_true(is_gone[1]);
}

struct contest {
    struct rpw_current current;
    _Atomic bool wants_end;
    _Atomic unsigned uses;
    _Atomic unsigned destroyed;
};

struct contender {
    struct rpw_shared shared;
    struct contest *contest;
};

static void destroy_contender(struct rpw_shared *shared)
{
    struct contender *contender = (struct contender *)shared;

    atomic_fetch_add(&contender->contest->destroyed, 1);
    contender->contest = NULL;
    free(contender);
}

static void *use_current(void *context)
{
    struct contest *contest = context;

    while (!atomic_load(&contest->wants_end)) {
        struct contender *contender = (struct contender *)rpw_current_ref(&contest->current);

        if (contender->contest != contest)
            return NULL;
        atomic_fetch_add(&contest->uses, 1);
        rpw_shared_unref(&contender->shared);
    }
    return context;
}

/* The sanitizers watch. */
static void current_is_replaced_while_threads_use_it(void **state)
{
    enum { THREADS = 4, SWAPS = 2000 };
    struct contest contest = {.wants_end = false};
    pthread_t threads[THREADS];

    (void)state;
    rpw_current_init(&contest.current);
    for (unsigned i = 0; i <= SWAPS; i++) {
        struct contender *contender = calloc(1, sizeof(*contender));

        assert_non_null(contender);
        contender->contest = &contest;
        rpw_shared_init(&contender->shared, destroy_contender);
        rpw_current_set(&contest.current, &contender->shared);
        for (size_t t = 0; i == 0 && t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, use_current, &contest), 0);
    }
    atomic_store(&contest.wants_end, true);
    for (size_t t = 0; t < THREADS; t++) {
        void *result = NULL;

        pthread_join(threads[t], &result);
        assert_ptr_equal(result, &contest);
    }
    assert_int_equal(atomic_load(&contest.destroyed), SWAPS);
    rpw_current_done(&contest.current);
    assert_int_equal(atomic_load(&contest.destroyed), SWAPS + 1);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void make_folder(char folder[PATH_BYTES])
{
    snprintf(folder, PATH_BYTES, "/tmp/rpw-unit-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static void path_in(const char *folder, const char *name, char path[PATH_BYTES])
{
    assert_true(snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void file_is_compared_by_its_bytes(void **state)
{
    struct rpw_file a = {NULL, NULL, 0};
    struct rpw_file b = {NULL, NULL, 0};
    char folder[PATH_BYTES];
    char path[PATH_BYTES];
    char error[256];

    (void)state;
    make_folder(folder);
    path_in(folder, "file", path);
    write_file(path, "one");
    assert_false(rpw_file_is_same(&a, &b));
    assert_true(rpw_file_read(path, &a, error, sizeof(error)));
    assert_int_equal(a.len, 3);
    assert_false(rpw_file_is_same(&a, &b));
    write_file(path, "one");
    assert_true(rpw_file_read(path, &b, error, sizeof(error)));
    assert_true(rpw_file_is_same(&a, &b));
    rpw_file_done(&b);
    write_file(path, "two");
    assert_true(rpw_file_read(path, &b, error, sizeof(error)));
    assert_false(rpw_file_is_same(&a, &b));
    rpw_file_done(&a);
    rpw_file_done(&b);
    unlink(path);
    rmdir(folder);
}

static void file_may_be_empty(void **state)
{
    struct rpw_file file;
    char error[256];

    (void)state;
    assert_true(rpw_file_read("/dev/null", &file, error, sizeof(error)));
    assert_non_null(file.bytes);
    assert_int_equal(file.len, 0);
    assert_true(rpw_file_is_same(&file, &file));
    rpw_file_done(&file);
}

static void file_without_end_is_refused(void **state)
{
    struct rpw_file file = {NULL, NULL, 0};
    char error[256];

    (void)state;
    assert_false(rpw_file_read("/dev/zero", &file, error, sizeof(error)));
    assert_non_null(strstr(error, "/dev/zero: the file is longer than 1 MiB"));
    assert_null(file.bytes);
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

static void metrics_find_the_counter_of_a_name_again(void **state)
{
    static struct rpw_metrics metrics;
    const unsigned first = (rpw_metrics_init(&metrics), rpw_metrics_policy_counter(&metrics, RPW_LIT("first")));

    (void)state;
    assert_int_not_equal(first, RPW_METRICS_OTHER);
    assert_int_not_equal(rpw_metrics_policy_counter(&metrics, RPW_LIT("second")), first);
    assert_int_not_equal(rpw_metrics_policy_counter(&metrics, RPW_LIT("firs")), first);
    assert_int_equal(rpw_metrics_policy_counter(&metrics, RPW_LIT("first")), first);
}

static void metrics_share_one_counter_when_names_are_too_many(void **state)
{
    static struct rpw_metrics metrics;
    char name[RPW_METRICS_NAME_BYTES];

    (void)state;
    rpw_metrics_init(&metrics);
    for (unsigned i = 0; i < RPW_METRICS_MAX_POLICIES; i++) {
        snprintf(name, sizeof(name), "policy-%u", i);
        assert_int_not_equal(rpw_metrics_policy_counter(&metrics, rpw_span_of(name)), RPW_METRICS_OTHER);
    }
    assert_int_equal(rpw_metrics_policy_counter(&metrics, RPW_LIT("one-more")), RPW_METRICS_OTHER);
    assert_int_not_equal(rpw_metrics_policy_counter(&metrics, RPW_LIT("policy-7")), RPW_METRICS_OTHER);
}

static void metrics_put_a_duration_into_the_first_bucket_that_holds_it(void **state)
{
    static struct rpw_metrics metrics;

    (void)state;
    rpw_metrics_init(&metrics);
    rpw_metrics_count_answer(&metrics, RPW_REASON_INJECTED, 0);
    rpw_metrics_count_answer(&metrics, RPW_REASON_INJECTED, rpw_metrics_bounds_ns[0]);
    rpw_metrics_count_answer(&metrics, RPW_REASON_INJECTED, rpw_metrics_bounds_ns[0] + 1);
    rpw_metrics_count_refusal(&metrics, RPW_REFUSAL_METHOD, UINT64_MAX / 2);
    assert_int_equal(atomic_load(&metrics.durations[0]), 2);
    assert_int_equal(atomic_load(&metrics.durations[1]), 1);
    assert_int_equal(atomic_load(&metrics.durations[RPW_METRICS_BUCKETS]), 1);
    assert_int_equal(atomic_load(&metrics.answers[RPW_REASON_INJECTED]), 3);
    assert_int_equal(atomic_load(&metrics.refusals[RPW_REFUSAL_METHOD]), 1);
    for (unsigned i = 1; i < RPW_METRICS_BUCKETS; i++)
        assert_true(rpw_metrics_bounds_ns[i] > rpw_metrics_bounds_ns[i - 1]);
}

int main(void)
{
    UNIT_ADD(current_has_no_value_at_first);
    UNIT_ADD(current_keeps_a_replaced_value_for_those_who_use_it);
    UNIT_ADD(current_is_replaced_while_threads_use_it);
    UNIT_ADD(file_is_compared_by_its_bytes);
    UNIT_ADD(file_may_be_empty);
    UNIT_ADD(file_without_end_is_refused);
    UNIT_ADD(metrics_find_the_counter_of_a_name_again);
    UNIT_ADD(metrics_share_one_counter_when_names_are_too_many);
    UNIT_ADD(metrics_put_a_duration_into_the_first_bucket_that_holds_it);
    return unit_run("server_reload");
}

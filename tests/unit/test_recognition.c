/* test_recognition.c - recognition.h: which images a pattern means. Whole pods are in tests/golden. */
#include "rpw/inject/recognition.h"

#include "unit.h"

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct image_row {
    const char *name;
    const char *pattern;
    const char *image;
    bool is_meant;
} image_rows[] = {
    {"image_alone", "rucio-server", "rucio-server", true},
    {"image_with_tag", "rucio-server", "rucio-server:release-38.5.1", true},
    {"image_with_digest", "rucio-server", "rucio-server" DIGEST, true},
    {"image_with_tag_and_digest", "rucio-server", "rucio-server:38" DIGEST, true},
    {"image_of_a_project", "rucio-server", "rucio/rucio-server:38", true},
    {"image_of_a_registry", "rucio-server", "docker.io/rucio/rucio-server", true},
    {"image_of_a_registry_with_a_port", "rucio-server", "localhost:5000/rucio-server", true},
    {"image_is_a_port_only_by_its_slash", "rucio-server", "rucio-server:5000", true},
    {"image_that_ends_alike", "rucio-server", "my-rucio-server:38", false},
    {"image_that_begins_alike", "rucio-server", "rucio-server-exporter:38", false},
    {"image_of_a_project_of_that_name", "rucio-server", "rucio-server/exporter", false},
    {"image_whose_tag_is_that_name", "rucio-server", "busybox:rucio-server", false},
    {"image_is_case_sensitive", "rucio-server", "Rucio-Server", false},
    {"image_of_two_elements", "rucio/probes", "docker.io/rucio/probes:38", true},
    {"image_of_two_elements_without_more", "rucio/probes", "rucio/probes", true},
    {"image_of_two_elements_of_another_project", "rucio/probes", "example.org/probes", false},
    {"image_of_two_elements_that_ends_alike", "rucio/probes", "xrucio/probes", false},
    {"image_with_fewer_elements", "rucio/probes", "probes", false},
    {"image_by_wildcard", "rucio-*", "rucio/rucio-daemons:38", true},
    {"image_by_wildcard_of_a_project", "*/rucio-server", "atlas/rucio-server:38", true},
    {"image_by_wildcard_wants_the_project", "*/rucio-server", "rucio-server:38", false},
    {"image_by_tag", "rucio-server:38*", "r/rucio-server:38.5", true},
    {"image_by_another_tag", "rucio-server:38*", "r/rucio-server:39.0", false},
    {"image_by_any_tag_has_one", "*/rucio-server:*", "r/rucio-server", false},
    {"image_by_tag_with_digest", "rucio-server:38*", "r/rucio-server:38.5" DIGEST, true},
    {"image_by_digest", "rucio-server" DIGEST, "r/rucio-server" DIGEST, true},
    {"image_that_is_empty", "*", "", true},
    {"image_of_slashes", "a/b", "//", false},
};

static void image_is_recognised(void **state)
{
    const struct image_row *row = *state;

    assert_int_equal(rpw_recognition_of_image(rpw_span_of(row->pattern), rpw_span_of(row->image)), row->is_meant);
}

int main(void)
{
    UNIT_ADD_ROWS(image_is_recognised, image_rows);
    return unit_run("recognition");
}

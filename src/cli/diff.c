/* diff.c - two files in a folder of their own, which goes afterwards. */
#include "diff.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "writer.h"

#define MAX_PATH_BYTES 4096
#define MAX_LABEL_IN_NAME 150

/* FOLDER/before.Deployment.default.name.yaml: what external programs show. */
static bool write_file(const char *folder, const char *when, const struct rpw_diff_side *side,
                       char path[MAX_PATH_BYTES])
{
    int prefix_len = snprintf(path, MAX_PATH_BYTES, "%s/%s.", folder, when);
    FILE *out;
    bool is_ok;

    snprintf(path + prefix_len, MAX_PATH_BYTES - (size_t)prefix_len, "%.*s.yaml", MAX_LABEL_IN_NAME, side->label);
    for (char *c = path + prefix_len; *c != '\0'; c++)
        if (*c == '/' || *c == ' ')
            *c = '.';
    out = fopen(path, "wx");
    if (out)
        rpw_manifest_write_yaml(out, side->value, 0);
    is_ok = out && fflush(out) == 0 && !ferror(out);
    if (!is_ok)
        fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(errno));
    if (out)
        fclose(out);
    return is_ok;
}

static bool run(const struct rpw_diff_side *before, const struct rpw_diff_side *after, const char *before_path,
                const char *after_path)
{
    const char *external = getenv("RPW_EXTERNAL_DIFF"), *no_colour = getenv("NO_COLOR");
    bool is_external = external && external[0] != '\0';
    bool is_coloured = isatty(STDOUT_FILENO) && !(no_colour && no_colour[0] != '\0');
    const char *const own[] = {"diff",       "-u",          is_coloured ? "--color=always" : "-u",
                               "--label",    before->label, "--label",
                               after->label, before_path,   after_path,
                               NULL};
    /* The shell divides the variable into words. */
    const char *const theirs[] = {"sh",       "-c", "exec $RPW_EXTERNAL_DIFF \"$@\"", "RPW_EXTERNAL_DIFF", before_path,
                                  after_path, NULL};
    int status;

    fflush(stdout);
    status = rpw_child_run(is_external ? theirs : own, 0, NULL, NULL);
    if (status == 128 + SIGPIPE)
        return true; /* whoever reads has seen enough */
    if (status > 1)
        fprintf(stderr, "%s: ended with the exit status %d, expected 0 or 1\n", is_external ? external : "diff",
                status);
    return status == 0 || status == 1;
}

bool rpw_diff_show(const struct rpw_diff_side *before, const struct rpw_diff_side *after)
{
    const char *temporary = getenv("TMPDIR");
    char folder[MAX_PATH_BYTES / 2], before_path[MAX_PATH_BYTES] = "", after_path[MAX_PATH_BYTES] = "";
    bool is_ok;

    snprintf(folder, sizeof(folder), "%s/rpw-diff-XXXXXX", temporary && temporary[0] != '\0' ? temporary : "/tmp");
    if (!mkdtemp(folder)) {
        fprintf(stderr, "%s: cannot be made: %s\n", folder, strerror(errno));
        return false;
    }
    is_ok = write_file(folder, "before", before, before_path) && write_file(folder, "after", after, after_path) &&
            run(before, after, before_path, after_path);
    unlink(before_path);
    unlink(after_path);
    rmdir(folder);
    return is_ok;
}

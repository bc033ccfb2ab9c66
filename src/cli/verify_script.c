/* verify_script.c - the verb `verify-script`: what runs in rucio-policy-verify, to try a package against any image. */
#include <stdio.h>

#include "cli.h"
#include "pod_scripts.h"

static int verify_script(void *context)
{
    (void)context;
    fputs(rpw_pod_script_verify, stdout);
    return RPW_EXIT_OK;
}

const struct rpw_verb rpw_verb_verify_script = {
    .name = "verify-script",
    .summary = "the Python of `verify`, to try a package against an image of Rucio",
    .text =
        "Prints the Python program that runs in the init container rucio-policy-verify: Rucio's own loader says what "
        "it makes of the package. `python3 - fail` in an image of Rucio runs it from standard input; the package is "
        "named as the webhook names it, by POLICY_PKG_PATH, PYTHONPATH and RUCIO_POLICY_PACKAGE.",
    .run = verify_script,
};

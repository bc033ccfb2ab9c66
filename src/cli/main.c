/* main.c - picks the verb. The verbs about verbs (help, version, completion) are here, with the list. */
#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <libfyaml.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fields.h"
#include "flags.h"
#include "help.h"
#include "memory.h"

static const struct rpw_verb verb_help, verb_version, verb_completion;

static const struct rpw_verb *const verbs[] = {
    &rpw_verb_serve,        &rpw_verb_mutate, &rpw_verb_check, &rpw_verb_registration,
    &rpw_verb_init,         &rpw_verb_schema, &rpw_verb_audit, &rpw_verb_certs_generate,
    &rpw_verb_certs_ensure, &verb_completion, &verb_version,   &verb_help,
};

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

/* --- which verb ------------------------------------------------------------------------------------------------------- */

/* The verb that words begin with. ret_words: of how many words it is. NULL: there is none. */
static const struct rpw_verb *find_verb(size_t count, const char *const *words, int *ret_words)
{
    char two[64] = "";

    if (count > 1)
        snprintf(two, sizeof(two), "%s %s", words[0], words[1]);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        *ret_words = strcmp(verbs[i]->name, two) == 0 ? 2 : 1;
        if (*ret_words == 2 || strcmp(verbs[i]->name, words[0]) == 0)
            return verbs[i];
    }
    return NULL;
}

/* Explains all verbs that begin with word ("certs"). False: there are none. */
static bool explain_family(const char *word, FILE *out)
{
    const struct rpw_verb *family[VERB_COUNT];
    size_t count = 0, len = strlen(word);

    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strncmp(verbs[i]->name, word, len) == 0 && verbs[i]->name[len] == ' ')
            family[count++] = verbs[i];
    if (count > 0)
        rpw_help_print_verbs(family, count, out);
    return count > 0;
}

static int refuse_verb(size_t count, const char *const *words)
{
    const char *names[VERB_COUNT + 1] = {NULL}, *nearest;

    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = verbs[i]->name;
    nearest = rpw_fields_suggest(rpw_span_of(words[0]), names);
    if (strcmp(words[0], "certs") == 0)
        fprintf(stderr, "rucio-policy-webhook certs: found '%s', expected generate or ensure (see --help)\n",
                count > 1 ? words[1] : "nothing");
    else if (nearest != NULL)
        fprintf(stderr, "rucio-policy-webhook: there is no verb '%s'; did you mean %s? (see --help)\n", words[0],
                nearest);
    else
        fprintf(stderr, "rucio-policy-webhook: there is no verb '%s' (see --help)\n", words[0]);
    return RPW_EXIT_USAGE;
}

/* --- help ------------------------------------------------------------------------------------------------------------- */

struct help_options {
    struct rpw_flag_list words;
    bool is_manual;
};

static const struct rpw_flag help_flags[] = {
    RPW_FLAG(NULL, TEXTS, struct help_options, words, "VERB", "the verb to explain", .is_argument = true),
    RPW_FLAG("manual", SWITCH, struct help_options, is_manual, NULL, "print the manual page's list of verbs (mdoc)", ),
};

static int help(void *context)
{
    const struct help_options *options = context;
    const struct rpw_verb *verb;
    int words;

    if (options->is_manual || options->words.count == 0) {
        (options->is_manual ? rpw_help_print_manual : rpw_help_print_verbs)(verbs, VERB_COUNT, stdout);
        return RPW_EXIT_OK;
    }
    verb = find_verb(options->words.count, options->words.items, &words);
    if (verb == NULL && options->words.count == 1 && explain_family(options->words.items[0], stdout))
        return RPW_EXIT_OK;
    if (verb == NULL || options->words.count > (size_t)words)
        return refuse_verb(options->words.count, options->words.items);
    rpw_help_print_verb(verb, stdout);
    return RPW_EXIT_OK;
}

static const struct rpw_verb verb_help = {
    .name = "help",
    .summary = "explains a verb",
    .text = "Explains a verb and its flags.",
    RPW_VERB_FLAGS(help_flags, struct help_options),
    .run = help,
};

/* --- version ---------------------------------------------------------------------------------------------------------- */

static int version(void *context)
{
    (void)context;
    printf("rucio-policy-webhook %s\n", RPW_VERSION);
    printf("libmicrohttpd %s\nGnuTLS %s\n%s\n", MHD_get_version(), gnutls_check_version(NULL),
           OpenSSL_version(OPENSSL_VERSION));
    printf("libcurl %s\njansson %s\nlibfyaml %s\n", curl_version_info(CURLVERSION_NOW)->version, jansson_version_str(),
           fy_library_version());
    return RPW_EXIT_OK;
}

static const struct rpw_verb verb_version = {
    .name = "version",
    .summary = "the versions of the program and of its libraries",
    .text = "Prints the versions of the program and its libraries.",
    .run = version,
};

/* --- completion ------------------------------------------------------------------------------------------------------- */

struct completion_options {
    unsigned shell;
};

static const struct rpw_flag completion_flags[] = {
    RPW_FLAG(NULL, CHOICE, struct completion_options, shell, "bash|zsh|fish", "the shell", .is_argument = true,
             .is_required = true),
};

static int completion(void *context)
{
    void (*const printers[])(const struct rpw_verb *const *, size_t,
                             FILE *) = {rpw_help_complete_bash, rpw_help_complete_zsh, rpw_help_complete_fish};
    const struct completion_options *options = context;

    printers[options->shell](verbs, VERB_COUNT, stdout);
    return RPW_EXIT_OK;
}

static const struct rpw_verb verb_completion = {
    .name = "completion",
    .summary = "what a shell needs to complete verbs and flags",
    .text =
        "Prints a script that completes verbs, flags and their words: source <(rucio-policy-webhook completion bash), "
        "the same in zsh; rucio-policy-webhook completion fish | source.",
    RPW_VERB_FLAGS(completion_flags, struct completion_options),
    .run = completion,
};

/* --- the program ------------------------------------------------------------------------------------------------------ */

/* argv[0] is the last word of the verb's name. */
static int run_verb(const struct rpw_verb *verb, int argc, char **argv)
{
    void *options = rpw_memory_need(calloc(1, verb->options_size + 1));
    int exit_code;

    if (verb->defaults != NULL)
        memcpy(options, verb->defaults, verb->options_size);
    if (rpw_flags_read(verb, argc, argv, options, &exit_code))
        exit_code = verb->run(options);
    free(options);
    return exit_code;
}

static int run(int argc, char **argv)
{
    const struct rpw_verb *verb;
    const char *words[2] = {argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : ""};
    int count;

    if (argc < 2) {
        rpw_help_print_verbs(verbs, VERB_COUNT, stderr);
        return RPW_EXIT_USAGE;
    }
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
        return run_verb(&verb_help, 1, argv);
    if (strcmp(words[0], "--version") == 0)
        return run_verb(&verb_version, 1, argv);
    verb = find_verb((size_t)argc - 1, words, &count);
    if (verb != NULL)
        return run_verb(verb, argc - count, argv + count);
    if ((strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0) && explain_family(words[0], stdout))
        return RPW_EXIT_OK;
    return refuse_verb((size_t)argc - 1, words);
}

/* A result that could not be written (a full disk, a closed pipe) is no result. */
int main(int argc, char **argv)
{
    int exit_code;

    rpw_memory_begin();
    exit_code = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == RPW_EXIT_OK) {
        fprintf(stderr, "rucio-policy-webhook: the output could not be written: %s\n", strerror(errno));
        exit_code = RPW_EXIT_BLIND;
    }
    return exit_code;
}

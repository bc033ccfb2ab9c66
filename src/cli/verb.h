/* verb.h - a verb and its flags as a table: from it come the reading of the command line (flags.h), --help, the manual's
 * list and the completions (help.h). */
#ifndef RPW_CLI_VERB_H
#define RPW_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>

#define RPW_FLAGS_MAX 24       /* of a verb */
#define RPW_FLAG_LIST_MAX 1024 /* values of one flag */

enum rpw_exit {
    RPW_EXIT_OK = 0,
    RPW_EXIT_NO = 1, /* the answer is no: drift, a refused pod, a wrong configuration */
    RPW_EXIT_USAGE = 2,
    RPW_EXIT_BLIND = 3, /* it could not look */
};

/* What a flag's value is, and as what it is stored. */
enum rpw_flag_kind {
    RPW_FLAG_SWITCH,   /* bool; --name, or --name=false */
    RPW_FLAG_TEXT,     /* const char *, not empty */
    RPW_FLAG_FILE,     /* the same, a file */
    RPW_FLAG_FOLDER,   /* the same, a folder */
    RPW_FLAG_TEXTS,    /* struct rpw_flag_list; may be given again */
    RPW_FLAG_FILES,    /* the same, files */
    RPW_FLAG_NUMBER,   /* unsigned long */
    RPW_FLAG_DURATION, /* time_t, seconds: 90s, 10m, 12h, 30d */
    RPW_FLAG_SIZE,     /* unsigned long, bytes: 64Mi */
    RPW_FLAG_CHOICE,   /* unsigned, which of the words */
    RPW_FLAG_FORM,     /* whatever take() stores */
    RPW_FLAG_FORMS,    /* the same; may be given again */
};

struct rpw_flag_list {
    const char *items[RPW_FLAG_LIST_MAX];
    size_t count;
};

struct rpw_flag {
    const char *name;  /* behind "--"; NULL: it is an argument without a name */
    const char *value; /* what --help calls the value; of a choice, its words: "json|text" */
    const char *help;  /* sentences; '\n' ends a line */
    size_t offset;     /* in the verb's options */

    const char *fallback;   /* the default, as one would write it; NULL: the options stay as they are */
    unsigned long min, max; /* of a number, a duration, a size */

    /* Stores a RPW_FLAG_FORM or _FORMS at field. NULL, or what was expected. */
    const char *(*take)(void *field, const char *value);

    enum rpw_flag_kind kind;
    char letter; /* behind "-"; 0: none */
    bool is_required;
    bool is_argument; /* arguments that follow no flag are its values, too */
};

struct rpw_verb {
    const char *name;    /* "serve", or of two words, "certs generate" */
    const char *summary; /* half a line */
    const char *text;    /* sentences, for --help and the manual */
    const char *ending;  /* more of them, behind the flags; NULL: none */
    const struct rpw_flag *flags;
    size_t flag_count;
    size_t options_size;       /* of the struct that the flags are stored in */
    const void *defaults;      /* of it; NULL: zeroes */
    int (*run)(void *options); /* Returns the exit code */
};

/* A row of a table; type is that of the verb's options, and what follows help are further members. */
#define RPW_FLAG(name_, kind_, type, field, value_, help_, ...)                                                        \
    {                                                                                                                  \
        .name = name_, .kind = RPW_FLAG_##kind_, .offset = offsetof(type, field), .value = value_, .help = help_,      \
        __VA_ARGS__                                                                                                    \
    }

/* The members of a verb that are about its flags; type is that of its options. */
#define RPW_VERB_FLAGS(table, type)                                                                                    \
    .flags = (table), .flag_count = sizeof(table) / sizeof((table)[0]), .options_size = sizeof(type)

/* Whether a value follows it. */
static inline bool rpw_flag_has_value(const struct rpw_flag *flag)
{
    return flag->kind != RPW_FLAG_SWITCH;
}

/* Whether every value counts, not only the last one. */
static inline bool rpw_flag_is_list(const struct rpw_flag *flag)
{
    return flag->kind == RPW_FLAG_TEXTS || flag->kind == RPW_FLAG_FILES || flag->kind == RPW_FLAG_FORMS;
}

#endif

/* cli.h - the verbs. Each writes results to standard output and everything else to standard error. */
#ifndef RPW_CLI_H
#define RPW_CLI_H

#include "verb.h"

extern const struct rpw_verb rpw_verb_serve;
extern const struct rpw_verb rpw_verb_mutate;
extern const struct rpw_verb rpw_verb_check;
extern const struct rpw_verb rpw_verb_registration;
extern const struct rpw_verb rpw_verb_init;
extern const struct rpw_verb rpw_verb_schema;
extern const struct rpw_verb rpw_verb_verify_script;
extern const struct rpw_verb rpw_verb_audit;
extern const struct rpw_verb rpw_verb_certs_generate;
extern const struct rpw_verb rpw_verb_certs_ensure;

#endif

/* variables.h - what a container's variables are to say: where its package lies, what it is called, PYTHONPATH. */
#ifndef RPW_VARIABLES_H
#define RPW_VARIABLES_H

#include "env_plan.h"

/* POLICY_PKG_PATH, which decides plan->path, and the names of the packages. */
void variables_plan(struct env_plan *plan);

/* PYTHONPATH, once the path is decided (python_path.c). is_current: the record is of the revision that is wanted. */
void python_path_plan(struct env_plan *plan, bool is_current);

/* The names that the policy gives to variables and to nothing else. */
#define POLICY_PKG_PATH RPW_LIT("POLICY_PKG_PATH")
#define PYTHONPATH RPW_LIT("PYTHONPATH")

#endif

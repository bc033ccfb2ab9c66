/* recognition.h - which containers run Rucio, and what shows it.
 *
 * A policy means the containers whose name or image its `match` gives. Beside them there are containers that look like Rucio
 * whatever the policies say: by a name of Rucio's charts, an image of Rucio's own, or variables that only Rucio's entrypoints
 * read. They are what `unmatched` and audit are about, so that no pod of Rucio is missed in silence.
 * Init containers of ours are neither.
 */
#ifndef RPW_RECOGNITION_H
#define RPW_RECOGNITION_H

#include "rpw/review/pod.h"
#include "rpw/review/policy.h"

enum rpw_recognition_kind { RPW_BY_NOTHING, RPW_BY_NAME, RPW_BY_IMAGE, RPW_BY_VARIABLE };

struct rpw_recognition {
    enum rpw_recognition_kind kind;
    const struct rpw_container *container; /* NULL with RPW_BY_NOTHING */
    struct rpw_span evidence;              /* the name, the image, or the variable's name */
};

/* "name", "image", "variable"; "" for RPW_BY_NOTHING. */
const char *rpw_recognition_word(enum rpw_recognition_kind kind);

/* Whether image is one that pattern means. A pattern (rpw_glob_matches()) is held against the last elements of the image, as
 * many as it has, without tag and digest unless it has one itself: rucio-server means registry:5000/x/rucio-server:38@sha256:...,
 * and rucio/probes:3* the releases 3... of those. */
bool rpw_recognition_of_image(struct rpw_span pattern, struct rpw_span image);

/* Whether this is the name of an init container of ours. */
bool rpw_recognition_is_own(struct rpw_span name);

/* Whether the policy means the container: by its name, else by its image. One without a name it does not mean: it may be
 * null. */
struct rpw_recognition rpw_recognise_target(const struct rpw_policy *policy, const struct rpw_container *container);

/* Whether the container looks like Rucio: by its name, else its image, else a variable of its env: RUCIO_DAEMON, RUCIO_CFG_... */
struct rpw_recognition rpw_recognise_rucio(const struct rpw_container *container);

/* The same of the pod's first container, init containers last. */
struct rpw_recognition rpw_recognise_target_in(const struct rpw_policy *policy, const struct rpw_pod *pod);
struct rpw_recognition rpw_recognise_rucio_in(const struct rpw_pod *pod);

#endif

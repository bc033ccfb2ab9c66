/* ensure_objects.h - the three objects that `certs ensure` keeps in order, as they are in the cluster, and the writes to them.
 *
 * A write says which version of the object it is based on and fails with RPW_KUBE_CONFLICT when that is not the present one,
 * or when the object is gone. Fields that are not ours survive. Errors are in the struct.
 */
#ifndef RPW_CLI_ENSURE_OBJECTS_H
#define RPW_CLI_ENSURE_OBJECTS_H

#include "client.h"
#include "survey.h"
#include "values.h"

struct rpw_ensure_target {
    struct rpw_object_name authority_secret; /* ca.crt, ca.key, ca-previous.crt */
    struct rpw_object_name serving_secret;   /* tls.crt, tls.key; ca.crt for people who want to verify the server */
    const char *webhooks;                    /* the MutatingWebhookConfiguration */
    struct rpw_certs_names names;
};

struct rpw_ensure_objects {
    struct rpw_kube_client *client;
    const struct rpw_ensure_target *target;
    json_t *authority_secret; /* NULL: 404 */
    json_t *serving_secret;
    json_t *webhooks;
    struct rpw_certs_texts texts;
    struct rpw_certs_survey survey;
    char error[RPW_KUBE_ERROR_BYTES];
};

/* Reads all three and judges them. objects has client and target. False with an error; it must be released in either case. */
RPW_MUST_CHECK bool rpw_ensure_read(struct rpw_ensure_objects *objects);
void rpw_ensure_done(struct rpw_ensure_objects *objects);

/* Whether they are ours to write. False with an error: the MutatingWebhookConfiguration has no webhooks, or one of the Secrets
 * looks like somebody else's: no annotation says that it is ours, it is not empty, and it is for none of the names (the
 * serving one) or has no ca.key. */
RPW_MUST_CHECK bool rpw_ensure_may_write(struct rpw_ensure_objects *objects);

/* The writes, one call each. previous is PEM, NULL: none. */
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_write_authority(struct rpw_ensure_objects *objects,
                                                               const struct rpw_certs_pair *authority,
                                                               const char *previous);
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_write_previous(struct rpw_ensure_objects *objects, const char *previous);
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_write_serving(struct rpw_ensure_objects *objects,
                                                             const struct rpw_certs_pair *serving);

/* Writes the authorities into every caBundle, and since when they are there. */
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_publish(struct rpw_ensure_objects *objects, time_t now);

#endif

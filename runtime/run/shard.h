/*
 * Which part of a set a process takes, as a person or a batch system says it.
 *
 *   2/8     part 2 of 8, counted from 0
 *   env     both from the environment of an array job
 *   env/8   the part from there, of 8
 *
 * Read are, in this order: SLURM_ARRAY_TASK_ID with _COUNT, _MIN and _STEP (Slurm's job arrays need
 * not begin at 0), and JOB_COMPLETION_INDEX (Kubernetes' indexed jobs, which do not tell how many
 * there are: JOB_COMPLETIONS does when the job sets it).
 */
#ifndef PK_RUN_SHARD_H
#define PK_RUN_SHARD_H

#include "base/error.h"

typedef struct pk_shard {
    uint32_t index, count; /* index < count */
} pk_shard;

/* `environment` is asked for variables, as getenv. PK_EFORMAT with what is wrong. */
int pk_shard_read(const char *text, char *(*environment)(const char *name), pk_shard *ret_shard,
                  pk_error *reterr_);

#endif

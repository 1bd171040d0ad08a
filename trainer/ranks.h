// What the ranks of a job make sure of together, so that all of them go on, or none. Every rank
// makes the same calls in the same order.
#ifndef LEHR_TRAINER_RANKS_H_
#define LEHR_TRAINER_RANKS_H_

#include <string>

#include "absl/status/status.h"
#include "trainer/collective.h"

namespace lehr {

// On every rank the error of the lowest rank that has one, which it names unless it is rank 0; OK
// if no rank has one.
absl::Status FirstError(const Collective& ranks, const absl::Status& own);

// FAILED_PRECONDITION on every rank if the lines of `description` are not the same on all of them.
// The message has the first line in which the lowest such rank differs from rank 0.
absl::Status CheckSameDescription(const Collective& ranks, const std::string& description);

// INTERNAL on every rank if the checksums of the parameters are not the same on all of them.
absl::Status CheckReplicas(const Collective& ranks, const std::string& checksum);

// A nonce of this start of the job, drawn by rank 0.
std::string SharedNonce(const Collective& ranks);

}  // namespace lehr

#endif  // LEHR_TRAINER_RANKS_H_

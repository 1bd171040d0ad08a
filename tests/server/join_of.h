#ifndef LEHR_TESTS_SERVER_JOIN_OF_H_
#define LEHR_TESTS_SERVER_JOIN_OF_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/wire.h"

namespace lehr {

// Rank `rank` of `world_size` of run "digits"; every rank can agree.
inline v1::Join JoinOf(uint32_t rank = 0, uint32_t world_size = 1,
                       const std::string& job_attempt = "attempt-1") {
  v1::Join join;
  join.set_run_id("digits");
  join.set_rank(rank);
  join.set_world_size(world_size);
  join.set_job_attempt(job_attempt);
  join.set_process(absl::StrCat("process-", rank));
  join.set_can_agree(true);
  join.add_noise_specs(std::string(kCommandedNoiseSpec));
  return join;
}

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_JOIN_OF_H_

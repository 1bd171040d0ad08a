// What the tests of generations begin with.
#ifndef LEHR_TESTS_SERVER_CORE_GENERATION_FIXTURE_H_
#define LEHR_TESTS_SERVER_CORE_GENERATION_FIXTURE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "server/core/generation.h"

namespace lehr {

inline const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);
inline constexpr absl::Duration kStraggler = absl::Seconds(10);
inline constexpr absl::Duration kJoin = absl::Seconds(60);

inline GenerationSpec Spec(uint32_t world_size) {
  GenerationSpec spec;
  spec.number = 3;
  spec.world_size = world_size;
  spec.settings.policy.rule = ErrorDrivenPolicy{.base_noise_level = 1};
  spec.settings.run_seed = 7;
  spec.settings.straggler_timeout = kStraggler;
  spec.settings.join_timeout = kJoin;
  return spec;
}

// One loss of 3 and one of 0: M = 3, I = 1, so T = 3 and the noise is 3.
inline StepReport Losses(int64_t step, std::vector<float> losses = {3, 0}) {
  StepReport report;
  report.step = step;
  report.tied.AddReport(losses);
  report.losses.Add(losses);
  report.digest = 1 + static_cast<uint64_t>(losses[0] * 1000);
  return report;
}

inline Generation::Hello Hello(const std::string& process = "p", int64_t highest_step = -1) {
  return {.process = process, .can_agree = true, .highest_step = highest_step};
}

// A run whose ranks have all joined.
inline Generation Joined(const GenerationSpec& spec) {
  Generation generation(spec);
  for (uint32_t rank = 0; rank < spec.world_size; ++rank) {
    generation.Connect(rank, Hello(), kStart);
  }
  return generation;
}

inline std::vector<ClosedStep> ClosedBy(const ReportResult& result) {
  return std::get<ReportTaken>(result).effects.closed;
}

inline const PerturbAction& FirstNoise(const ClosedStep& closed) {
  return std::get<PerturbAction>(closed.decision->actions.at(0));
}

inline std::vector<int64_t> Steps(const std::vector<ClosedStep>& closed) {
  std::vector<int64_t> steps;
  for (const ClosedStep& step : closed) {
    steps.push_back(step.decision->step);
  }
  return steps;
}

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_CORE_GENERATION_FIXTURE_H_

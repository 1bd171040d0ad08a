// Promise: the same losses give, bit for bit, the same temperature and the same decision, flat or
// through sidecars, in any sharding and any order. Losses tie within a report: which do is a matter
// of the sharding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/server/core/fine_losses.h"
#include "tests/server/relay/relay_fixture.h"

namespace lehr {
namespace {

constexpr int kCases = 12;
constexpr int kSteps = 3;
constexpr uint32_t kIds = 64;

struct Example {
  uint64_t id;
  float loss;
};

std::vector<Example> DrawStep(std::mt19937_64& random) {
  std::lognormal_distribution<float> size(/*m=*/0, /*s=*/8);
  std::vector<Example> examples(1 + random() % 200);
  for (Example& example : examples) {
    // Few ids, so that some repeat.
    example = {.id = random() % kIds, .loss = size(random)};
    switch (random() % 16) {
      case 0:
        example.loss = 0;
        break;
      case 1:
        example.loss = -example.loss;
        break;
      case 2:
        example.loss = std::numeric_limits<float>::quiet_NaN();
        break;
      case 3:
        example.loss = std::numeric_limits<float>::infinity();
        break;
      default:
        break;
    }
  }
  return examples;
}

// The step's report of each rank: the examples in another order, dealt out anyhow.
std::vector<v1::SuperviseRequest> Deal(int64_t step, std::vector<Example> examples,
                                       uint32_t world_size, std::mt19937_64& random) {
  std::shuffle(examples.begin(), examples.end(), random);
  std::vector<v1::SuperviseRequest> requests(world_size);
  for (v1::SuperviseRequest& request : requests) {
    request.mutable_report()->set_step(step);
  }
  for (const Example& example : examples) {
    v1::Report& report = *requests[random() % world_size].mutable_report();
    report.add_losses(example.loss);
    report.add_example_ids(example.id);
  }
  return requests;
}

// But for what the clock and the disk make of it.
std::string Comparable(v1::Decision decision) {
  decision.clear_closed_unix_ns();
  decision.clear_epoch();
  decision.clear_durable_through();
  return decision.SerializeAsString();
}

using RelayEqualityTest = RelayTest;

TEST_F(RelayEqualityTest, FlatAndThroughAnySidecarsDecideTheSameBits) {
  Start();
  std::vector<std::unique_ptr<TestSidecar>> sidecars;
  for (const uint16_t number : {0, 1, 2}) {
    sidecars.push_back(StartSidecar(kSidecarPort + number));
  }
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const bool is_dataset = seed % 2 == 1;
    const uint32_t world_size = 2 + random() % 5;
    std::vector<std::vector<Example>> steps;
    for (int step = 0; step < kSteps; ++step) {
      steps.push_back(DrawStep(random));
    }
    const uint32_t sidecars_used = 1 + random() % sidecars.size();
    std::vector<std::string> decisions[2];
    for (const bool relayed : {false, true}) {
      v1::Join join = JoinOf(0, world_size);
      join.set_run_id(absl::StrCat(relayed ? "relayed-" : "flat-", seed));
      join.mutable_settings()->set_run_seed(seed);
      join.mutable_settings()->set_loss_offset(seed % 3 == 0 ? 0.5f : 0.0f);
      if (is_dataset) {
        join.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
        join.mutable_settings()->set_dataset_examples(kIds);
        // The last steps have seen enough to act.
        join.mutable_settings()->set_table_examples(seed % 4 == 1 ? kIds / 2 : kIds);
      }
      std::vector<std::unique_ptr<TestRank>> ranks;
      for (uint32_t rank = 0; rank < world_size; ++rank) {
        join.set_rank(rank);
        join.set_process(absl::StrCat("process-", rank));
        ranks.push_back(relayed ? sidecars[random() % sidecars_used]->Rank(join) : Rank(join));
      }
      for (int step = 0; step < kSteps; ++step) {
        std::vector<uint32_t> order(world_size);
        std::iota(order.begin(), order.end(), 0);
        std::shuffle(order.begin(), order.end(), random);
        const auto requests = Deal(step, steps[step], world_size, random);
        for (const uint32_t rank : order) {
          ranks[rank]->Send(requests[rank]);
        }
        for (const auto& rank : ranks) {
          v1::Decision decision = rank->NextDecision();
          EXPECT_EQ(decision.reports(), world_size);
          decision.mutable_observation()->clear_tied_share();
          decisions[relayed].push_back(Comparable(std::move(decision)));
        }
      }
    }
    EXPECT_EQ(decisions[false], decisions[true]);
  }
}

// 16 losses of rank 0 tie, none of rank 1, and rank 2 has too few to tell.
TEST_F(RelayEqualityTest, TheSameReportsTieTheSameWayInEitherScope) {
  Start();
  const auto left = StartSidecar();
  const auto right = StartSidecar(kSidecarPort + 1);
  for (const bool is_dataset : {false, true}) {
    std::vector<double> shares;
    for (const bool relayed : {false, true}) {
      v1::Join join = JoinOf(0, /*world_size=*/3);
      join.set_run_id(absl::StrCat(relayed ? "relayed-" : "flat-", is_dataset));
      if (is_dataset) {
        join.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
        join.mutable_settings()->set_dataset_examples(kIds);
      }
      std::vector<std::unique_ptr<TestRank>> ranks;
      for (uint32_t rank = 0; rank < 3; ++rank) {
        join.set_rank(rank);
        join.set_process(absl::StrCat("process-", rank));
        ranks.push_back(!relayed ? Rank(join) : (rank == 0 ? left : right)->Rank(join));
        v1::SuperviseRequest request;
        v1::Report& report = *request.mutable_report();
        std::vector<float> losses(rank == 2 ? 2 : 16, 8.5f);
        if (rank == 1) {
          std::iota(losses.begin(), losses.end(), 1.0f);
        }
        for (const float loss : Fine(losses)) {
          report.add_example_ids(16 * rank + report.losses_size());
          report.add_losses(loss);
        }
        ranks.back()->Send(request);
      }
      shares.push_back(ranks[0]->NextDecision().observation().tied_share());
    }
    // 16 * 8.5 = 136 = 1 + ... + 16.
    EXPECT_THAT(shares, ::testing::ElementsAre(0.5, 0.5)) << is_dataset;
  }
}

// A policy with a memory learns more than losses: which snapshots are held, and what became of its
// commands.
TEST_F(RelayEqualityTest, ReheatDecidesTheSameBitsOverItsCommandsAndTheirOutcomes) {
  constexpr uint32_t kRanks = 3;
  constexpr int kCommands = 3;
  Start();
  const auto left = StartSidecar();
  const auto right = StartSidecar(kSidecarPort + 1);
  std::vector<std::string> decisions[2];
  for (const bool relayed : {false, true}) {
    v1::Join join = JoinOf(0, kRanks);
    join.set_run_id(relayed ? "relayed" : "flat");
    join.mutable_settings()->mutable_policy()->mutable_reheat();
    join.mutable_snapshots()->set_capacity(2);
    std::vector<std::unique_ptr<TestRank>> ranks;
    for (uint32_t rank = 0; rank < kRanks; ++rank) {
      join.set_rank(rank);
      join.set_process(absl::StrCat("process-", rank));
      ranks.push_back(!relayed ? Rank(join) : (rank == 1 ? right : left)->Rank(join));
    }
    v1::SuperviseRequest request;
    v1::Report& report = *request.mutable_report();
    report.add_losses(2);
    report.add_losses(2);
    int commands = 0;
    for (int64_t step = 0; step < 2000 && commands < kCommands; ++step) {
      report.set_step(step);
      for (const auto& rank : ranks) {
        rank->Send(request);
      }
      report.clear_outcome();
      for (const auto& rank : ranks) {
        v1::Decision decision = rank->NextDecision();
        decisions[relayed].push_back(Comparable(decision));
        if (rank != ranks.back() || decision.actions().empty()) {
          continue;
        }
        // All do as they are told, but for the second command.
        const v1::Action& last = *decision.actions().rbegin();
        const bool obeys = !last.has_perturb() || ++commands != 2;
        report.mutable_outcome()->set_step(step);
        report.mutable_outcome()->set_result(obeys ? v1::CommandOutcome::RESULT_APPLIED
                                                   : v1::CommandOutcome::RESULT_SKIPPED);
        if (last.has_snapshot()) {
          report.clear_snapshots();
          report.add_snapshots(last.snapshot().id());
        }
      }
    }
    EXPECT_EQ(commands, kCommands);
  }
  EXPECT_EQ(decisions[false], decisions[true]);
}

}  // namespace
}  // namespace lehr

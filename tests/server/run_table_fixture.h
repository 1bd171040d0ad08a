// A table of runs on a real journal, without gRPC, threads of its own and clock.
#ifndef LEHR_TESTS_SERVER_RUN_TABLE_FIXTURE_H_
#define LEHR_TESTS_SERVER_RUN_TABLE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "server/journal/journal.h"
#include "server/metrics.h"
#include "server/run_table.h"
#include "tests/server/join_of.h"
#include "tests/temporary_folder.h"

namespace lehr {

class RunTableTest : public ::testing::Test {
 protected:
  static constexpr absl::Time kStart = absl::FromUnixSeconds(1'780'000'000);

  RunTableTest() { Open(); }

  void Open(uint32_t max_runs = 64) {
    auto journal =
        Journal::Open({.data_dir = folder_.Path("data"), .commit_interval = absl::ZeroDuration()});
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    wake_at_ = absl::InfiniteFuture();
    table_ = std::make_unique<RunTable>(
        RunTable::Options{.store = journal_.get(),
                          .metrics = &metrics_,
                          .max_runs = max_runs,
                          .wake_at = [this](absl::Time time) { wake_at_ = time; }});
    ASSERT_TRUE(table_->Recover(kStart).ok());
  }

  void Restart(uint32_t max_runs = 64) {
    Settle();
    table_.reset();
    ASSERT_TRUE(journal_->Close(absl::InfiniteFuture()).ok());
    journal_.reset();
    Open(max_runs);
  }

  // What was appended is on the disk, and what waited for it is sent.
  void Settle(absl::Time now = kStart) {
    ASSERT_TRUE(journal_->Flush(absl::InfiniteFuture()).ok());
    table_->Tick(now);
  }

  static v1::Join JoinOfRun(const std::string& run_id) {
    v1::Join join = JoinOf();
    join.set_run_id(run_id);
    return join;
  }
  static std::shared_ptr<RankOutbox> NewOutbox() {
    return std::make_shared<RankOutbox>(OutboxOverflow::kClose);
  }

  // The next response that waits in it, if any.
  static std::optional<v1::SuperviseResponse> Next(RankOutbox& outbox) {
    RankOutbox::Next next = outbox.Take();
    auto* response = std::get_if<v1::SuperviseResponse>(&next);
    return response == nullptr ? std::nullopt : std::optional(std::move(*response));
  }
  // How the stream ends, once nothing else waits.
  static std::optional<absl::Status> End(RankOutbox& outbox) {
    RankOutbox::Next next = outbox.Take();
    auto* status = std::get_if<absl::Status>(&next);
    return status == nullptr ? std::nullopt : std::optional(*status);
  }

  TemporaryFolder folder_;
  Metrics metrics_{/*max_run_series=*/4};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<RunTable> table_;
  // The last time that the table asked for.
  absl::Time wake_at_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_RUN_TABLE_FIXTURE_H_

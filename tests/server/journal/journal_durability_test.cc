// What is reported durable survives a killed process, a power loss, a full disk and a failed sync;
// what is not is there as a prefix or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/journal/journal.h"
#include "server/journal/journal_check.h"
#include "tests/server/journal/fault_vfs.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The steps of the run's history, which the tests append as 0, 1, 2, ...
std::vector<int64_t> Steps(Journal& journal) {
  const absl::StatusOr<HistoryPage> page =
      journal.ReadHistory({.run_id = "run", .limit = size_t{1} << 20});
  EXPECT_TRUE(page.ok()) << page.status();
  std::vector<int64_t> steps;
  for (const v1::HistoryEntry& entry : page->entries) {
    steps.push_back(entry.decision().step());
  }
  return steps;
}

// How many steps there are, if they have no hole.
int64_t CountSteps(Journal& journal) {
  const std::vector<int64_t> steps = Steps(journal);
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i], static_cast<int64_t>(i));
  }
  return static_cast<int64_t>(steps.size());
}

// Appends steps until it is killed, and writes into the pipe how many of them are durable.
[[noreturn]] void AppendForEver(const std::string& data_dir, int64_t step, int durable_steps) {
  auto journal = OpenOrDie(
      {.data_dir = data_dir, .commit_interval = absl::Milliseconds(1), .max_pending = 64});
  const uint64_t run_sequence = journal->durable() + 1;
  journal->NotifyDurable([&, first = step](uint64_t sequence) {
    const int64_t steps = first + static_cast<int64_t>(sequence - run_sequence);
    if (write(durable_steps, &steps, sizeof(steps)) != sizeof(steps)) {
      _exit(1);
    }
  });
  journal->AppendRun(MakeRun("run"));
  for (;; ++step) {
    journal->AppendDecision("run", MakeDecision(1, step), "state");
  }
}

TEST(JournalDurabilityTest, KilledProcessKeepsWhatWasDurable) {
  TemporaryDirectory directory;
  int64_t steps = 0;
  for (const int reports : {1, 2, 5, 20}) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      AppendForEver(directory.path(), steps, pipe_ends[1]);
    }
    close(pipe_ends[1]);
    int64_t durable = 0;
    for (int i = 0; i < reports; ++i) {
      ASSERT_EQ(read(pipe_ends[0], &durable, sizeof(durable)), sizeof(durable));
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    close(pipe_ends[0]);

    auto journal = OpenOrDie(directory.path());
    EXPECT_FALSE(journal->clean_stop());
    steps = CountSteps(*journal);
    EXPECT_GE(steps, durable);
    journal.reset();
    LEHR_ASSERT_OK(CheckJournal(directory.path()).status());
  }
  EXPECT_GT(steps, 0);
}

TEST(JournalDurabilityTest, PowerLossKeepsWhatWasDurable) {
  TemporaryDirectory directory(FastParent());
  TemporaryDirectory synced(FastParent());
  FaultVfs disk;
  auto journal = OpenOrDie(directory.path());
  WriteDirectory(synced.path(), ReadDirectory(directory.path()));
  disk.KeepSyncedFiles(directory.path(), synced.path());
  journal->AppendRun(MakeRun("run"));
  // Long enough for the log to move into the database more than once.
  const std::string half_a_megabyte(1 << 19, 'x');
  for (int64_t step = 0; step < 24; ++step) {
    journal->AppendDecision("run", MakeDecision(1, step), half_a_megabyte);
    LEHR_ASSERT_OK(journal->Flush(Soon()));
    // A copy, because opening a journal changes it. The mark may have reached the disk or not.
    TemporaryDirectory after_loss(FastParent());
    WriteDirectory(after_loss.path(), ReadDirectory(synced.path()));
    if (step % 2 == 0) {
      WriteFile(after_loss / "journal.durable", ReadFile(directory / "journal.durable"));
    }
    auto recovered = OpenOrDie(after_loss.path());
    ASSERT_EQ(CountSteps(*recovered), step + 1);
  }
}

// A second fsync after a failed one can succeed without the bytes: there must be none.
TEST(JournalDurabilityTest, FailedSyncIsFinal) {
  TemporaryDirectory directory;
  FaultVfs disk;
  std::vector<absl::Status> failures;
  std::vector<uint64_t> durable;
  JournalOptions options = OnlyFlushes(directory.path());
  options.on_failure = [&](const absl::Status& error) { failures.push_back(error); };
  auto journal = OpenOrDie(std::move(options));
  journal->NotifyDurable([&](uint64_t sequence) { durable.push_back(sequence); });
  const uint64_t last_durable = journal->AppendRun(MakeRun("run"));
  LEHR_ASSERT_OK(journal->Flush(Soon()));

  disk.FailSyncs();
  const int syncs = disk.syncs();
  journal->AppendDecision("run", MakeDecision(1, 0), "state");
  const absl::Status status = journal->Flush(Soon());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory / "journal.db"));
  EXPECT_EQ(journal->durable(), last_durable);
  // Nobody waits for ever, and nothing is written any more.
  journal->AppendDecision("run", MakeDecision(1, 1), "state");
  EXPECT_EQ(journal->Flush(Soon()), status);
  EXPECT_EQ(journal->Close(Soon()), status);
  journal.reset();
  EXPECT_EQ(disk.syncs(), syncs + 1);
  EXPECT_THAT(failures, ElementsAre(status));
  EXPECT_THAT(durable, ElementsAre(last_durable));
}

// Appends until it fails, and expects what was durable to be there once the disk has room again.
void FillUpTheDisk(const std::string& data_dir, absl::StatusCode expected,
                   const std::function<void()>& make_room) {
  std::vector<absl::Status> failures;
  JournalOptions options = OnlyFlushes(data_dir);
  options.on_failure = [&](const absl::Status& error) { failures.push_back(error); };
  auto journal = OpenOrDie(std::move(options));
  journal->AppendRun(MakeRun("run"));
  absl::Status status;
  int64_t durable_steps = -1;
  for (int64_t step = 0; status.ok(); ++step, ++durable_steps) {
    ASSERT_LT(step, 1000) << "the disk does not fill up";
    journal->AppendDecision("run", MakeDecision(1, step), std::string(10'000, 'x'));
    status = journal->Flush(Soon());
  }
  EXPECT_EQ(status.code(), expected) << status;
  EXPECT_GT(durable_steps, 0);
  journal.reset();
  EXPECT_THAT(failures, ElementsAre(status));

  make_room();
  journal = OpenOrDie(data_dir);
  EXPECT_EQ(CountSteps(*journal), durable_steps);
  journal.reset();
  LEHR_ASSERT_OK(CheckJournal(data_dir).status());
}

// Writes beyond a limit fail as on a full disk, without one and without being root.
TEST(JournalDurabilityTest, FileThatMayNotGrowFailsTheCommit) {
  TemporaryDirectory directory;
  rlimit unlimited;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit one_megabyte = {.rlim_cur = 1 << 20, .rlim_max = unlimited.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &one_megabyte), 0);
  FillUpTheDisk(directory.path(), absl::StatusCode::kUnavailable,
                [&] { EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &unlimited), 0); });
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, old_handler);
}

class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path)
      : path_(path), mounted_(mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") == 0) {}
  ~SmallDisk() {
    if (mounted_) {
      umount(path_.c_str());
    }
  }
  bool mounted() const { return mounted_; }
  void Grow() const {
    EXPECT_EQ(mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
  }

 private:
  const std::string path_;
  const bool mounted_;
};

TEST(JournalDurabilityTest, FullDiskFailsTheCommit) {
  TemporaryDirectory directory;
  SmallDisk disk(directory.path());
  if (!disk.mounted()) {
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  }
  FillUpTheDisk(directory / "data", absl::StatusCode::kResourceExhausted, [&] { disk.Grow(); });
}

TEST(JournalDurabilityTest, FullDiskCannotBeOpened) {
  TemporaryDirectory directory;
  SmallDisk disk(directory.path());
  if (!disk.mounted()) {
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  }
  OpenOrDie(directory / "data");
  WriteFile(directory / "filler", std::string(2 << 20, 'x'));
  const absl::Status status = Journal::Open(OnlyFlushes(directory / "data")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory / "data"));
}

}  // namespace
}  // namespace lehr

#include "tests/server/journal/journal_testing.h"

#include <stdlib.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lehr {

TemporaryDirectory::TemporaryDirectory(const std::filesystem::path& parent) {
  std::string pattern = (parent / "lehr-journal-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path FastParent() {
  return std::filesystem::is_directory("/dev/shm") ? std::filesystem::path("/dev/shm")
                                                   : std::filesystem::temp_directory_path();
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::map<std::string, std::string> ReadDirectory(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename() != "lehrd.lock") {
      files[entry.path().filename()] = ReadFile(entry.path());
    }
  }
  return files;
}

void WriteDirectory(const std::string& directory, const std::map<std::string, std::string>& files) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::filesystem::remove_all(entry.path());
  }
  for (const auto& [name, bytes] : files) {
    WriteFile(absl::StrCat(directory, "/", name), bytes);
  }
}

JournalOptions OnlyFlushes(const std::string& data_dir) {
  return {.data_dir = data_dir, .commit_interval = absl::InfiniteDuration()};
}

std::unique_ptr<Journal> OpenOrDie(JournalOptions options) {
  absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(std::move(options));
  if (!journal.ok()) {
    ADD_FAILURE() << journal.status();
    std::abort();
  }
  return *std::move(journal);
}

std::unique_ptr<Journal> OpenOrDie(const std::string& data_dir) {
  return OpenOrDie(OnlyFlushes(data_dir));
}

absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

journal::v1::RunRecord MakeRun(const std::string& run_id, uint64_t generation) {
  journal::v1::RunRecord run;
  run.set_run_id(run_id);
  run.set_generation(generation);
  run.set_opened_unix_ns(1'700'000'000'000'000'000);
  (*run.mutable_labels())["model"] = "resnet";
  return run;
}

journal::v1::GenerationRecord MakeGeneration(const std::string& run_id, uint64_t generation) {
  journal::v1::GenerationRecord record;
  record.set_run_id(run_id);
  record.set_generation(generation);
  record.set_job_attempt(absl::StrCat("attempt-", generation));
  record.set_world_size(4);
  record.mutable_settings()->set_run_seed(42);
  v1::TensorReference& tensor = *record.add_tensors();
  tensor.set_name("layer1.weight");
  tensor.set_reference_stddev(0.5F);
  return record;
}

v1::Decision MakeDecision(uint64_t generation, int64_t step, double temperature, bool commanding) {
  v1::Decision decision;
  decision.set_generation(generation);
  decision.set_step(step);
  decision.set_apply_step(step + 1);
  decision.mutable_observation()->set_temperature(temperature);
  if (commanding) {
    decision.add_actions()->mutable_perturb()->set_id(static_cast<uint64_t>(step) + 1);
  }
  return decision;
}

void Fill(Journal& journal) {
  journal.SetActingStopped(true);
  for (const char* run_id : {"run-a", "run-b"}) {
    journal.AppendRun(MakeRun(run_id, /*generation=*/2));
    for (const uint64_t generation : {1, 2}) {
      journal.AppendGeneration(MakeGeneration(run_id, generation));
      for (int64_t step = 0; step < 10; ++step) {
        const bool commanding = step % 3 == 0;
        journal.AppendDecision(run_id, MakeDecision(generation, step, 0.25 * step, commanding),
                               absl::StrCat("state after ", step));
        if (commanding) {
          journal.AppendOutcome(run_id, generation, step, /*rank=*/0,
                                v1::CommandOutcome::RESULT_APPLIED);
          journal.AppendOutcome(run_id, generation, step, /*rank=*/1,
                                v1::CommandOutcome::RESULT_EXPIRED);
        }
      }
      journal.AppendCheckpoint(run_id, generation, /*branch=*/7, /*step=*/5, "state after 5");
    }
  }
}

absl::StatusOr<std::string> Describe(Journal& journal) {
  absl::StatusOr<RecoveredState> state = journal.Recover();
  if (!state.ok()) {
    return state.status();
  }
  std::string text = absl::StrCat("acting stopped: ", state->acting_stopped, "\n");
  for (const RecoveredRun& run : state->runs) {
    absl::StrAppend(&text, run.run.ShortDebugString(), " commands ", run.counts.commands,
                    " applied ", run.counts.applied, " skipped ", run.counts.skipped, "\n");
    for (const auto& generation : run.generations) {
      absl::StrAppend(&text, generation.ShortDebugString(), "\n");
    }
    if (run.newest.has_value()) {
      absl::StrAppend(&text, "newest ", run.newest->decision.ShortDebugString(), " ",
                      run.newest->policy_state, "\n");
    }
    for (const RecoveredCheckpoint& checkpoint : run.checkpoints) {
      absl::StrAppend(&text, "checkpoint ", checkpoint.generation, " ", checkpoint.step, " ",
                      checkpoint.branch, " ", checkpoint.policy_state, "\n");
    }
    for (const auto& generation : run.generations) {
      absl::StatusOr<std::vector<SeriesBucket>> series = journal.ReadSeries(
          {.run_id = run.run.run_id(), .generation = generation.generation(), .points = 2});
      if (!series.ok()) {
        return series.status();
      }
      for (const SeriesBucket& bucket : *series) {
        absl::StrAppend(&text, ToRecord(bucket).ShortDebugString(), "\n");
      }
    }
    for (const bool only_commands : {false, true}) {
      absl::StatusOr<HistoryPage> page =
          journal.ReadHistory({.run_id = run.run.run_id(), .only_commands = only_commands});
      if (!page.ok()) {
        return page.status();
      }
      for (const v1::HistoryEntry& entry : page->entries) {
        const auto found = journal.FindDecision(run.run.run_id(), entry.decision().generation(),
                                                entry.decision().step());
        if (!found.ok()) {
          return found.status();
        }
        absl::StrAppend(&text, entry.ShortDebugString(), " ",
                        found->has_value() ? (*found)->policy_state : "not found", "\n");
      }
    }
  }
  return text;
}

void JournalTest::Crash() {
  journal_.reset();
  journal_ = OpenOrDie(data_dir());
}

void JournalTest::Flush() { LEHR_ASSERT_OK(journal_->Flush(Soon())); }

RecoveredState JournalTest::Recover() {
  absl::StatusOr<RecoveredState> state = journal_->Recover();
  EXPECT_TRUE(state.ok()) << state.status();
  return *std::move(state);
}

std::vector<std::string> JournalTest::Keys(const HistoryQuery& query) {
  absl::StatusOr<HistoryPage> page = journal_->ReadHistory(query);
  EXPECT_TRUE(page.ok()) << page.status();
  next_ = page->next;
  std::vector<std::string> keys;
  for (const v1::HistoryEntry& entry : page->entries) {
    keys.push_back(absl::StrCat(entry.decision().generation(), "/", entry.decision().step()));
  }
  return keys;
}

}  // namespace lehr

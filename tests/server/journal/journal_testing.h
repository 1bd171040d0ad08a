// What the tests of the journal share: a directory of their own, records to put in, and everything
// that a journal gives back as one text.
#ifndef LEHR_TESTS_SERVER_JOURNAL_JOURNAL_TESTING_H_
#define LEHR_TESTS_SERVER_JOURNAL_JOURNAL_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lehr/v1/decision.pb.h"
#include "server/journal/journal.h"

namespace lehr {

// A directory that is removed with the object, by default below TMPDIR.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// A directory in memory where there is one, for tests that open a thousand journals.
std::filesystem::path FastParent();

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);
// The bytes of every file by name, but for the lock, which every attempt writes.
std::map<std::string, std::string> ReadDirectory(const std::string& directory);
void WriteDirectory(const std::string& directory, const std::map<std::string, std::string>& files);

// That only a flush commits, so that a test decides what becomes durable when.
JournalOptions OnlyFlushes(const std::string& data_dir);

std::unique_ptr<Journal> OpenOrDie(JournalOptions options);
std::unique_ptr<Journal> OpenOrDie(const std::string& data_dir);

// Long enough for any disk.
absl::Time Soon();

journal::v1::RunRecord MakeRun(const std::string& run_id, uint64_t generation = 1);
journal::v1::GenerationRecord MakeGeneration(const std::string& run_id, uint64_t generation);
// temperature tells one from another; commanding: with a perturbation.
v1::Decision MakeDecision(uint64_t generation, int64_t step, double temperature = 1,
                          bool commanding = false);

// A journal with something in every table: two runs, three generations, decisions with and without
// commands, outcomes, checkpoints.
void Fill(Journal& journal);

// All that the journal gives back, or the first error.
absl::StatusOr<std::string> Describe(Journal& journal);

// A journal in a directory of its own, which only a flush commits to.
class JournalTest : public testing::Test {
 protected:
  std::string data_dir() const { return directory_ / "data"; }

  // Ends the process without Close, as a crash would, and starts the next one.
  void Crash();
  void Flush();
  RecoveredState Recover();
  // The keys of a page as "generation/step"; next_ is that of the page.
  std::vector<std::string> Keys(const HistoryQuery& query);

  TemporaryDirectory directory_;
  std::unique_ptr<Journal> journal_ = OpenOrDie(data_dir());
  std::optional<HistoryPosition> next_;
};

}  // namespace lehr

#define LEHR_ASSERT_OK(expression)                \
  do {                                            \
    const auto lehr_status = (expression);        \
    ASSERT_TRUE(lehr_status.ok()) << lehr_status; \
  } while (false)

#endif  // LEHR_TESTS_SERVER_JOURNAL_JOURNAL_TESTING_H_

// What group commit gains: appends a second through the journal against one transaction a row, both
// synced, on the same disk in the same run. The answer is the ratio; the figures depend on the
// disk.
//
//   build/bin/journal_benchmark [DIRECTORY]
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/journal/journal.h"
#include "server/journal/journal_rows.h"
#include "server/journal/sqlite.h"

namespace lehr {
namespace {

constexpr int kRowsOneByOne = 500;
constexpr int kRowsInGroups = 200'000;

void Require(const absl::Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::exit(1);
  }
}

v1::Decision MakeDecision(int64_t step) {
  v1::Decision decision;
  decision.set_generation(1);
  decision.set_step(step);
  decision.mutable_observation()->set_temperature(0.5);
  decision.add_actions()->mutable_perturb()->set_seed(static_cast<uint64_t>(step));
  return decision;
}

double RowsPerSecond(int rows, absl::Time start) {
  return rows / absl::ToDoubleSeconds(absl::Now() - start);
}

// The same row as the journal's, in the same kind of file.
double OneByOne(const std::string& directory) {
  auto database = sqlite::Database::Open(absl::StrCat(directory, "/one-by-one.db"),
                                         sqlite::Database::Mode::kCreate);
  Require(database.status());
  Require((*database)->Execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;"
      "CREATE TABLE decisions(step INTEGER PRIMARY KEY, decision BLOB, crc INTEGER) STRICT"));
  absl::StatusOr<sqlite::Statement> insert =
      (*database)->Prepare("INSERT INTO decisions VALUES(?, ?, ?)");
  Require(insert.status());
  const absl::Time start = absl::Now();
  for (int64_t step = 0; step < kRowsOneByOne; ++step) {
    const std::string decision = MakeDecision(step).SerializeAsString();
    Require(WriteRow(*insert, "decisions", step, sqlite::Blob{decision}));
  }
  return RowsPerSecond(kRowsOneByOne, start);
}

double InGroups(const std::string& directory) {
  absl::StatusOr<std::unique_ptr<Journal>> journal =
      Journal::Open({.data_dir = absl::StrCat(directory, "/journal")});
  Require(journal.status());
  journal::v1::RunRecord run;
  run.set_run_id("run");
  (*journal)->AppendRun(run);
  const absl::Time start = absl::Now();
  for (int64_t step = 0; step < kRowsInGroups; ++step) {
    (*journal)->AppendDecision("run", MakeDecision(step), /*policy_state=*/"");
  }
  Require((*journal)->Flush(absl::InfiniteFuture()));
  return RowsPerSecond(kRowsInGroups, start);
}

void Run(const std::filesystem::path& parent) {
  std::string directory = (parent / "lehr-journal-benchmark-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    Require(absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", directory)));
  }
  const double one_by_one = OneByOne(directory);
  const double in_groups = InGroups(directory);
  std::filesystem::remove_all(directory);
  std::printf("%-20s %10.0f rows/s\n%-20s %10.0f rows/s\n%-20s %10.1f\n", "one by one", one_by_one,
              "group commit", in_groups, "ratio", in_groups / one_by_one);
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  lehr::Run(argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path());
}

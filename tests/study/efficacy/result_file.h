// The study's results as CSV, one line a trial: what was run is not run again.
#ifndef LEHR_TESTS_STUDY_EFFICACY_RESULT_FILE_H_
#define LEHR_TESTS_STUDY_EFFICACY_RESULT_FILE_H_

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/study/efficacy/trial.h"

namespace lehr {

class ResultFile {
 public:
  // Reads what is there, and goes on behind it; a last line that was cut off is dropped.
  static absl::StatusOr<ResultFile> Open(const std::string& path);

  // Written to the file at once. DATA_LOSS if that fails.
  absl::Status Append(const TrialResult& result);

  const std::vector<TrialResult>& results() const { return results_; }

 private:
  std::ofstream file_;
  std::vector<TrialResult> results_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_RESULT_FILE_H_

#include "tests/study/efficacy/result_file.h"

#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace lehr {
namespace {

constexpr std::string_view kHeader =
    "task,arm,seed,reached_step,ends_there,final_accuracy,best_accuracy,final_loss,actions,"
    "parameter_hash,cpu_seconds,study_seconds\n";

std::string ToLine(const TrialResult& result) {
  return absl::StrFormat("%s,%s,%d,%d,%d,%.6g,%.6g,%.6g,%d,%d,%.4g,%.6g\n", result.task, result.arm,
                         result.seed, result.reached_step, result.ends_there ? 1 : 0,
                         result.final_accuracy, result.best_accuracy, result.final_loss,
                         result.actions, result.parameter_hash, result.cpu_seconds,
                         result.study_seconds);
}

bool FromLine(std::string_view line, TrialResult& result) {
  const std::vector<std::string> fields =
      absl::StrSplit(absl::string_view(line.data(), line.size()), ',');
  if (fields.size() != 12) {
    return false;
  }
  result.task = fields[0];
  result.arm = fields[1];
  result.ends_there = fields[4] == "1";
  return absl::SimpleAtoi(fields[2], &result.seed) &&
         absl::SimpleAtoi(fields[3], &result.reached_step) &&
         absl::SimpleAtod(fields[5], &result.final_accuracy) &&
         absl::SimpleAtod(fields[6], &result.best_accuracy) &&
         absl::SimpleAtod(fields[7], &result.final_loss) &&
         absl::SimpleAtoi(fields[8], &result.actions) &&
         absl::SimpleAtoi(fields[9], &result.parameter_hash) &&
         absl::SimpleAtod(fields[10], &result.cpu_seconds) &&
         absl::SimpleAtod(fields[11], &result.study_seconds);
}

}  // namespace

absl::StatusOr<ResultFile> ResultFile::Open(const std::string& path) {
  ResultFile opened;
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  const std::string text = content.str();
  std::string kept(kHeader);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  // The last one is empty, or was cut off.
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    TrialResult result;
    if (!FromLine(lines[i], result)) {
      return absl::DataLossError(
          absl::StrFormat("%s:%d is not a result: %s", path, i + 1, std::string(lines[i])));
    }
    opened.results_.push_back(std::move(result));
    kept.append(lines[i]).append("\n");
  }
  opened.file_.open(path, std::ios::trunc);
  opened.file_ << kept << std::flush;
  if (!opened.file_.good()) {
    return absl::DataLossError(absl::StrFormat("cannot write %s", path));
  }
  return opened;
}

absl::Status ResultFile::Append(const TrialResult& result) {
  file_ << ToLine(result) << std::flush;
  results_.push_back(result);
  return file_.good() ? absl::OkStatus() : absl::DataLossError("cannot write the results");
}

}  // namespace lehr

#include "trainer/csv_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "trainer/csv_records.h"
#include "trainer/gzip_file.h"

namespace lehr {
namespace {

std::optional<double> Number(const std::string& text) {
  double number = 0;
  return absl::SimpleAtod(text, &number) && std::isfinite(number) ? std::optional<double>(number)
                                                                  : std::nullopt;
}

bool IsHeader(const std::vector<std::string>& fields) {
  return std::none_of(fields.begin(), fields.end(),
                      [](const std::string& field) { return Number(field).has_value(); });
}

// Builds the examples row by row; labels become classes at the end.
class LabelledRows {
 public:
  LabelledRows(const std::string& path, const std::string& label_column)
      : path_(path), label_name_(label_column) {}

  absl::Status Add(const std::vector<std::string>& fields, int64_t line) {
    if (columns_ == 0) {
      if (absl::Status status = Begin(fields); !status.ok() || IsHeader(fields)) {
        return status;
      }
    }
    if (fields.size() != columns_) {
      return Error(line, absl::StrCat(fields.size(), " fields, but the first line has ", columns_));
    }
    for (size_t column = 0; column < columns_; ++column) {
      if (absl::Status status = AddField(fields[column], line, column); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<LabelledCsv> Finish() &&;

 private:
  absl::Status Begin(const std::vector<std::string>& first_fields);
  absl::Status AddField(const std::string& field, int64_t line, size_t column);

  absl::Status Error(int64_t line, std::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ", line ", line, ": ", std::string(message)));
  }

  std::string ColumnName(size_t column) const {
    return header_.empty() ? absl::StrCat("column ", column + 1)
                           : absl::StrCat("column ", column + 1, " (\"", header_[column], "\")");
  }

  const std::string path_;
  const std::string label_name_;
  // Empty where the file has none.
  std::vector<std::string> header_;
  size_t columns_ = 0;
  size_t label_column_ = 0;
  // The distinct labels in the order of their first example, which numbers them until Finish.
  std::map<std::string, int32_t> first_seen_;
  Examples examples_;
};

absl::Status LabelledRows::Begin(const std::vector<std::string>& first_fields) {
  columns_ = first_fields.size();
  if (IsHeader(first_fields)) {
    header_ = first_fields;
  }
  if (columns_ < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, " has one column; a label and at least one number are needed"));
  }
  if (label_name_.empty()) {
    label_column_ = columns_ - 1;
    return absl::OkStatus();
  }
  const auto named = std::find(header_.begin(), header_.end(), label_name_);
  if (named != header_.end()) {
    if (std::find(named + 1, header_.end(), label_name_) != header_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, " has more than one column \"", label_name_, "\""));
    }
    label_column_ = named - header_.begin();
    return absl::OkStatus();
  }
  int64_t number = 0;
  if (absl::SimpleAtoi(label_name_, &number) && number >= 1 &&
      number <= static_cast<int64_t>(columns_)) {
    label_column_ = number - 1;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path_, " has no column \"", label_name_, "\"; ",
      header_.empty()
          ? absl::StrCat("it has no header, so that a number from 1 to ", columns_, " is needed")
          : absl::StrCat("its columns are ", absl::StrJoin(header_, ", "))));
}

absl::Status LabelledRows::AddField(const std::string& field, int64_t line, size_t column) {
  if (column == label_column_) {
    if (field.empty()) {
      return Error(line, absl::StrCat(ColumnName(column), ": the label is missing"));
    }
    const auto next = static_cast<int32_t>(first_seen_.size());
    examples_.labels.push_back(first_seen_.try_emplace(field, next).first->second);
    if (first_seen_.size() > kMaxCsvClasses) {
      return Error(line, absl::StrCat("the label column has more than ", kMaxCsvClasses,
                                      " distinct values; is ", ColumnName(column), " the label?"));
    }
    return absl::OkStatus();
  }
  float value = 0;
  if (!absl::SimpleAtof(field, &value) || !std::isfinite(value)) {
    return Error(line, absl::StrCat(ColumnName(column), ": \"", field, "\" is not a number",
                                    examples_.labels.empty() && header_.empty()
                                        ? " (a line with a number in it is no header)"
                                        : ""));
  }
  examples_.inputs.push_back(value);
  return absl::OkStatus();
}

absl::StatusOr<LabelledCsv> LabelledRows::Finish() && {
  if (first_seen_.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(path_, " has ", examples_.size(),
                                                   " examples of ", first_seen_.size(),
                                                   " classes; at least 2 classes are needed"));
  }
  LabelledCsv result = {.features = static_cast<int64_t>(columns_) - 1};
  for (const auto& [label, first_seen] : first_seen_) {
    result.classes.push_back(label);
  }
  if (std::all_of(result.classes.begin(), result.classes.end(),
                  [](const std::string& label) { return Number(label).has_value(); })) {
    std::stable_sort(
        result.classes.begin(), result.classes.end(),
        [](const std::string& a, const std::string& b) { return *Number(a) < *Number(b); });
  }
  std::vector<int32_t> class_of(result.classes.size());
  for (size_t i = 0; i < result.classes.size(); ++i) {
    class_of[first_seen_[result.classes[i]]] = static_cast<int32_t>(i);
  }
  for (int32_t& label : examples_.labels) {
    label = class_of[label];
  }
  result.examples = std::move(examples_);
  return result;
}

}  // namespace

absl::StatusOr<LabelledCsv> ReadLabelledCsv(const std::string& path,
                                            const std::string& label_column) {
  const absl::StatusOr<std::string> text = ReadMaybeGzipFile(path);
  if (!text.ok()) {
    return text.status();
  }
  LabelledRows rows(path, label_column);
  CsvRecords records(*text);
  std::vector<std::string> fields;
  while (true) {
    const absl::StatusOr<bool> more = records.Next(fields);
    if (!more.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ", ", std::string(more.status().message())));
    }
    if (!*more) {
      return std::move(rows).Finish();
    }
    if (absl::Status status = rows.Add(fields, records.line()); !status.ok()) {
      return status;
    }
  }
}

}  // namespace lehr

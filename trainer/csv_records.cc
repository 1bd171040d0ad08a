#include "trainer/csv_records.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

CsvRecords::CsvRecords(std::string_view text) : text_(text) {
  if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text_.remove_prefix(kByteOrderMark.size());
  }
}

void CsvRecords::SkipLineBreaks() {
  while (position_ < text_.size() && (text_[position_] == '\n' || text_[position_] == '\r')) {
    current_line_ += text_[position_] == '\n' ? 1 : 0;
    ++position_;
  }
}

bool CsvRecords::AtEndOfField() const {
  return position_ == text_.size() || text_[position_] == ',' || text_[position_] == '\n' ||
         text_[position_] == '\r';
}

absl::StatusOr<std::string> CsvRecords::QuotedField() {
  const int64_t first_line = current_line_;
  std::string field;
  for (++position_; position_ < text_.size(); ++position_) {
    const char c = text_[position_];
    const bool doubled = text_.substr(position_, 2) == "\"\"";
    if (c == '"' && !doubled) {
      ++position_;
      if (!AtEndOfField()) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", current_line_, ": text follows a quoted field"));
      }
      return field;
    }
    position_ += doubled ? 1 : 0;
    current_line_ += c == '\n' ? 1 : 0;
    field.push_back(c);
  }
  return absl::InvalidArgumentError(absl::StrCat("line ", first_line, ": a quote does not end"));
}

absl::StatusOr<std::string> CsvRecords::NextField() {
  if (position_ < text_.size() && text_[position_] == '"') {
    return QuotedField();
  }
  const size_t start = position_;
  while (!AtEndOfField()) {
    ++position_;
  }
  return std::string(text_.substr(start, position_ - start));
}

absl::StatusOr<bool> CsvRecords::Next(std::vector<std::string>& fields) {
  fields.clear();
  SkipLineBreaks();
  if (position_ == text_.size()) {
    return false;
  }
  line_ = current_line_;
  while (true) {
    absl::StatusOr<std::string> field = NextField();
    if (!field.ok()) {
      return field.status();
    }
    fields.push_back(*std::move(field));
    if (position_ == text_.size() || text_[position_] != ',') {
      return true;
    }
    ++position_;
  }
}

}  // namespace lehr
